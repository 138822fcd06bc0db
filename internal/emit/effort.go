package emit

// An effort bounds the search for a cheap program. What the search does is
// counted in units of about a nanosecond; once a call has had its share, the
// rest of it is compiled without a choice: a correct program, and as a rule
// hardly a longer one.
type effort struct {
	spent, limit int
}

// effortOf is what the arguments of all calls together may take: about a
// twentieth of a second. The policies of bench take up to an eighth of it.
const effortOf = 40_000_000

// begin gives the next call its share: an eighth of what is left, so that none
// takes everything.
func (e *effort) begin() {
	e.limit = e.spent + max(effortOf-e.spent, 0)/8
}

// spend notes work done.
func (e *effort) spend(units int) { e.spent += units }

// over tells whether the share is used up.
func (e *effort) over() bool { return e.spent > e.limit }
