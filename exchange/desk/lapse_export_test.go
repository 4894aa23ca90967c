package desk

// FillLapses leaves no room to list further reservations.
func (d *Desk) FillLapses() { d.lapses.listed = maxLapses }

// LapseTick is how late an own reservation's end may be told.
const LapseTick = lapseTick
