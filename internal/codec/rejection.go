package codec

// The reasons of a Rejection.
const (
	ReasonUnparsable = "unparsable" // no JSON object and no Protobuf message
	ReasonMissing    = "missing"    // a required field is absent, null or empty
	ReasonType       = "type"       // a field of another type than the contract's
	ReasonValue      = "value"      // a value outside its list or range
	ReasonTooLarge   = "too_large"  // a record of more than MaxRecord bytes
	ReasonTooDeep    = "too_deep"   // nested deeper than MaxDepth
	ReasonFuture     = "future"     // time too far after the record's own timestamp
	ReasonTooOld     = "too_old"    // time before 2009
)

// Rejection says why a record is no event. It never holds a part of the record.
type Rejection struct {
	Reason string // one of the Reason constants
	Field  string // the field at fault as in `template.name`, empty if it is the record as a whole
	Detail string // what is wrong and what is accepted
}

// Error returns the rejection as one line.
func (r *Rejection) Error() string {
	if r.Field == "" {
		return r.Reason + ": " + r.Detail
	}
	return r.Reason + ": " + r.Field + ": " + r.Detail
}
