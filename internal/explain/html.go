package explain

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// pageData is what the page's script reads.
type pageData struct {
	Report *Report `json:"report"`
	Diff   *Diff   `json:"diff,omitempty"`
}

// HTML writes the report as one page that needs nothing else: no network, and
// no script to be read as plain lists. Of two filters it shows what differs, too.
func (r *Report) HTML(w io.Writer, d *Diff) error {
	classes := map[string]string{}
	for i := range r.Filters {
		for j := range r.Filters[i].ABIs {
			a := &r.Filters[i].ABIs[j]
			classes[a.Default] = ActionClass(a.Default)
			for k := range a.Decisions {
				classes[a.Decisions[k].Action] = ActionClass(a.Decisions[k].Action)
				for _, rule := range a.Decisions[k].Rules {
					classes[rule.Action] = ActionClass(rule.Action)
				}
			}
		}
		classes[r.Filters[i].Other] = ActionClass(r.Filters[i].Other)
	}
	title := "Seccomp filter"
	if len(r.Filters) > 0 {
		title = r.Filters[0].Label
	}
	if d != nil {
		title = fmt.Sprintf("%s and %s", d.A, d.B)
	}
	// encoding/json escapes <, > and &, so that data never ends the script.
	data, err := json.Marshal(pageData{r, d})
	if err != nil {
		return err
	}
	classText, err := json.Marshal(classes)
	if err != nil {
		return err
	}
	return page.Execute(w, map[string]any{
		"Title":   title,
		"Report":  r,
		"Diff":    d,
		"Data":    template.JS(data),
		"Classes": template.JS(classText),
	})
}
