package explain

import "io"

// HTML prints the report as a page.
func (r *Report) HTML(w io.Writer, d *Diff) error { return nil }
