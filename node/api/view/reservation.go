package view

// OpenReservations is the status under which reservations are listed that hold stock, or may.
const OpenReservations = "open"

// Reservations is a page of reservations, newest first.
type Reservations struct {
	Reservations []Reservation `json:"reservations" nullable:"false"`
	Next         string        `json:"next,omitempty" doc:"Cursor of the next page; absent at the end. A page may be short, even empty, while there is one."`
}
