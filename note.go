package seccomp

// A Note says something about a compiled policy that its reader may not expect.
// A program that has notes is what the policy says all the same.
type Note struct {
	Kind    NoteKind
	Syscall string // the name the note is about; empty when it is about none
	ABI     string // the ABI's name; empty when it is about all
	Text    string // a sentence for people
}

// NoteKind classifies a Note.
type NoteKind string

// The kinds of notes.
const (
	NoteSkippedCall NoteKind = "skipped-call"  // The ABI lacks this call.
	NoteSkippedABI  NoteKind = "skipped-abi"   // The machine cannot have this ABI.
	NoteMultiplexed NoteKind = "multiplexed"   // The rule also governs socketcall or ipc.
	NoteUnchecked   NoteKind = "unchecked"     // Conditions that cannot be checked: behind socketcall or ipc, and on m68k.
	NoteNever       NoteKind = "never-matches" // The entry matches no call.
	NoteAlways      NoteKind = "always-holds"  // The condition holds for every call.
	NoteRedundant   NoteKind = "redundant"     // An earlier entry already decides these calls.
	NoteWidth       NoteKind = "width"         // No prototype says how wide the argument is.
	NoteAdapted     NoteKind = "adapted"       // The action was replaced for an older kernel.
)

// String is the note's text with what it is about.
func (n Note) String() string {
	s := n.Text
	if n.Syscall != "" {
		s = n.Syscall + ": " + s
	}
	if n.ABI != "" {
		s = n.ABI + ": " + s
	}
	return s
}
