package event

import "slices"

// Grouping arranges rows of an Output by portfolio: to be written in batches that
// are keyed by it. It keeps its memory from one Output to the next. Its zero value is
// ready.
type Grouping struct {
	tables []Table
	groups map[string]uint32 // by portfolio_id
	ids    []string          // the portfolio_id of each group, in the order of their first rows
	group  []uint32          // of each row
	ends   []int             // of each group, in rows
	rows   []Row
	sorted []uint32 // the groups by portfolio_id
}

// mostGroups is how many portfolios the memory of a Grouping is kept for.
const mostGroups = 100_000

// Arrange takes the rows of some tables of an output, all of them if none is named.
func (g *Grouping) Arrange(o *Output, some ...Table) {
	g.tables = append(g.tables[:0], some...)
	if len(some) == 0 {
		for t := range NumTables {
			g.tables = append(g.tables, t)
		}
	}
	if g.groups == nil || len(g.groups) > mostGroups {
		g.groups = map[string]uint32{}
	}
	clear(g.groups)
	clear(g.ids) // they may be long
	g.ids, g.group, g.ends = g.ids[:0], g.group[:0], g.ends[:0]
	last, of := "", uint32(0)
	for _, t := range g.tables {
		for i := range tables[t].length(o) {
			// Rows of one number follow each other, and a string is equal to itself at once.
			if id := tables[t].portfolio(o, i); len(g.ids) == 0 || id != last {
				last, of = id, g.find(id)
			}
			g.group = append(g.group, of)
			g.ends[of]++
		}
	}
	g.place(o)
}

// find returns the group of a portfolio.
func (g *Grouping) find(id string) uint32 {
	of, ok := g.groups[id]
	if !ok {
		of = uint32(len(g.ids))
		g.groups[id] = of
		g.ids, g.ends = append(g.ids, id), append(g.ends, 0)
	}
	return of
}

// place puts the rows of each group together. So far ends has how many they are.
func (g *Grouping) place(o *Output) {
	g.rows = slices.Grow(g.rows[:0], len(g.group))[:len(g.group)]
	at := 0
	for k, n := range g.ends {
		g.ends[k] = at
		at += n
	}
	row := 0
	for _, t := range g.tables {
		for i := range tables[t].length(o) {
			of := g.group[row]
			g.rows[g.ends[of]] = Row{Table: t, Index: i}
			g.ends[of]++
			row++
		}
	}
}

// Each calls visit with the rows of each portfolio, by portfolio_id: those of one table
// in their order, and the tables in theirs.
func (g *Grouping) Each(visit func(portfolioID string, rows []Row) error) error {
	g.sorted = g.sorted[:0]
	for k := range g.ids {
		g.sorted = append(g.sorted, uint32(k))
	}
	slices.SortFunc(g.sorted, func(a, b uint32) int {
		if g.ids[a] < g.ids[b] {
			return -1
		}
		return 1
	})
	for _, k := range g.sorted {
		first := 0
		if k > 0 {
			first = g.ends[k-1]
		}
		if err := visit(g.ids[k], g.rows[first:g.ends[k]]); err != nil {
			return err
		}
	}
	return nil
}
