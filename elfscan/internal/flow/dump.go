package flow

import "fmt"

func (s *State) Slots(v *Values) string {
	out := ""
	for _, p := range s.slots {
		out += fmt.Sprintf(" [%d/%d]=%v", p.off, p.size, v.sets[p.v])
	}
	return out
}
