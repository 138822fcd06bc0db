package kernel

// WorkerArgument is the only argument of a process that is to call Worker.
const WorkerArgument = "kernel-worker"

// A Time is what one call takes under a filter: medians over the rounds.
type Time struct {
	NS    float64 `json:"ns"`    // of a call
	Extra float64 `json:"extra"` // more than without a filter in the same round, ns
	Ratio float64 `json:"ratio"` // to without a filter in the same round
}

// Options say how to measure.
type Options struct {
	CPU    int
	Rounds int
	Batch  int // calls in a batch
}
