package explain

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// A Graph is a filter's decisions as a tree: ABIs, then calls that are decided
// alike, then conditions, then actions.
type Graph struct{ root *vertex }

type vertex struct {
	text  string // what the box says
	title string // the whole of what the text shortens
	edge  string // what the line from its parent says
	class string // of the box: "abi", "calls", "condition", or an action's
	next  []*vertex
	x, y  int
}

// NewGraph makes the tree of a report; of only one call when that is not empty.
func NewGraph(f *FilterReport, call string) *Graph {
	root := &vertex{text: f.Label, class: "filter"}
	for i := range f.ABIs {
		a := &f.ABIs[i]
		abi := &vertex{text: a.Name, class: "abi", title: a.AuditArch}
		for j := range a.Decisions {
			d := &a.Decisions[j]
			if d.Default && call == "" || call != "" && !slices.Contains(d.Syscalls, call) {
				continue
			}
			abi.next = append(abi.next, decisionVertex(d, call))
		}
		if call == "" {
			abi.next = append(abi.next, &vertex{text: "every other number", class: "calls", next: []*vertex{actionVertex(a.Default, "")}})
		}
		if len(abi.next) > 0 {
			root.next = append(root.next, abi)
		}
	}
	root.next = append(root.next, &vertex{text: "any other ABI", class: "abi", next: []*vertex{actionVertex(f.Other, "")}})
	return &Graph{root}
}

func decisionVertex(d *Decision, call string) *vertex {
	v := &vertex{class: "calls"}
	switch {
	case call != "":
		v.text = call
	case len(d.Syscalls) == 0:
		v.text = "numbers " + rangeText(d.Numbers)
	default:
		names := slices.Clone(d.Syscalls)
		slices.Sort(names)
		v.title = strings.Join(names, " ")
		const most = 3
		v.text = strings.Join(names[:min(most, len(names))], ", ")
		if len(names) > most {
			v.text += fmt.Sprintf(" and %d more", len(names)-most)
		}
	}
	for i := range d.Rules {
		v.next = append(v.next, actionVertex(d.Rules[i].Action, d.Rules[i].words()))
	}
	if d.Unsaid != "" {
		v.next = append(v.next, &vertex{text: d.Unsaid, class: "condition"})
		return v
	}
	otherwise := ""
	if len(d.Rules) > 0 {
		otherwise = "otherwise"
	}
	v.next = append(v.next, actionVertex(d.Action, otherwise))
	return v
}

func actionVertex(action, edge string) *vertex {
	return &vertex{text: action, edge: edge, class: ActionClass(action)}
}

// ActionClass is the word that pages and drawings colour an action by.
func ActionClass(action string) string {
	for _, class := range []string{"allow", "log", "errno", "kill", "trap", "trace", "user_notif"} {
		if strings.HasPrefix(action, class) && !strings.Contains(action, " or ") {
			return strings.TrimSuffix(class, "_notif")
		}
	}
	return "mixed"
}

// colors of classes: fill and line.
var colors = map[string][2]string{
	"filter": {"#ffffff", "#333333"}, "abi": {"#eef2f7", "#56657a"}, "calls": {"#ffffff", "#8b98a9"}, "condition": {"#ffffff", "#8b98a9"},
	"allow": {"#d7f0dd", "#1b7f3b"}, "log": {"#d5f0f2", "#0b6e78"}, "errno": {"#fdeec9", "#8a5a00"}, "kill": {"#fbd9d7", "#a8201a"},
	"trap": {"#fbd9d7", "#a8201a"}, "trace": {"#eadcf8", "#6a34a8"}, "user": {"#eadcf8", "#6a34a8"}, "mixed": {"#eeeeee", "#555555"},
}

// DOT is the graph in the language of Graphviz.
func (g *Graph) DOT() string {
	var out strings.Builder
	out.WriteString("digraph filter {\n\trankdir=LR;\n\tnode [shape=box, style=filled, fontname=\"sans-serif\"];\n\tedge [fontname=\"sans-serif\"];\n")
	id := 0
	var walk func(v *vertex) int
	walk = func(v *vertex) int {
		me := id
		id++
		c := colors[v.class]
		fmt.Fprintf(&out, "\tn%d [label=%s, tooltip=%s, fillcolor=%q, color=%q];\n", me, quoteDOT(v.text), quoteDOT(v.title), c[0], c[1])
		for _, n := range v.next {
			child := walk(n)
			fmt.Fprintf(&out, "\tn%d -> n%d [label=%s];\n", me, child, quoteDOT(n.edge))
		}
		return me
	}
	walk(g.root)
	out.WriteString("}\n")
	return out.String()
}

func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

const (
	rowHeight  = 34
	boxHeight  = 24
	charWidth  = 7
	columnGap  = 40
	svgMargin  = 16
	edgeOffset = 5
)

// SVG is the graph as a drawing.
func (g *Graph) SVG() string {
	var widths, edges []int
	measure(g.root, 0, &widths, &edges)
	x := svgMargin
	columns := make([]int, len(widths))
	for i := range widths {
		x += edges[i]*charWidth + columnGap/2
		columns[i] = x
		x += widths[i]*charWidth + 2*8 + columnGap/2
	}
	rows := 0
	place(g.root, 0, columns, &rows)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label=%s font-family="sans-serif" font-size="12">`+"\n",
		x+svgMargin, rows*rowHeight+2*svgMargin, x+svgMargin, rows*rowHeight+2*svgMargin, attribute("Decisions of "+g.root.text))
	draw(&out, g.root)
	out.WriteString("</svg>\n")
	return out.String()
}

func attribute(s string) string { return `"` + html.EscapeString(s) + `"` }

// measure finds the longest text of each column.
func measure(v *vertex, depth int, widths, edges *[]int) {
	for len(*widths) <= depth {
		*widths, *edges = append(*widths, 0), append(*edges, 0)
	}
	(*widths)[depth] = max((*widths)[depth], len([]rune(v.text)))
	(*edges)[depth] = max((*edges)[depth], len([]rune(v.edge)))
	for _, n := range v.next {
		measure(n, depth+1, widths, edges)
	}
}

// place puts leaves on rows of their own and others in the middle of theirs.
func place(v *vertex, depth int, columns []int, rows *int) {
	v.x = columns[depth]
	if len(v.next) == 0 {
		v.y = svgMargin + *rows*rowHeight
		*rows++
		return
	}
	for _, n := range v.next {
		place(n, depth+1, columns, rows)
	}
	v.y = (v.next[0].y + v.next[len(v.next)-1].y) / 2
}

func draw(out *strings.Builder, v *vertex) {
	c := colors[v.class]
	width := len([]rune(v.text))*charWidth + 2*8
	for _, n := range v.next {
		fromX, fromY, toX, toY := v.x+width, v.y+boxHeight/2, n.x, n.y+boxHeight/2
		bend := fromX + columnGap/2
		fmt.Fprintf(out, `<path d="M%d %d L%d %d L%d %d L%d %d" fill="none" stroke="#8b98a9"/>`+"\n", fromX, fromY, bend, fromY, bend, toY, toX, toY)
		if n.edge != "" {
			fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="end" fill="#333">%s</text>`+"\n", toX-edgeOffset, toY-edgeOffset, html.EscapeString(n.edge))
		}
		draw(out, n)
	}
	fmt.Fprintf(out, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="4" fill=%q stroke=%q/>`,
		html.EscapeString(v.title), v.x, v.y, width, boxHeight, c[0], c[1])
	fmt.Fprintf(out, `<text x="%d" y="%d" fill="#111">%s</text></g>`+"\n", v.x+8, v.y+boxHeight-8, html.EscapeString(v.text))
}
