// Package backtest asks how well warnings come before restrictions. It plays
// labelled portfolios: traffic whose misbehaving numbers get restricted by a
// rule that the engine does not know, written from thresholds that senders and
// WhatsApp have published and from reports of the field. Then it replays the log
// through the decoder and the engine and compares flags with labels.
//
// It promises that the same Config makes the same records, labels and figures,
// whatever the clock says, and that a log of any length streams in bounded
// memory. The rule is hidden (hidden.go, and hidden_strangers.go for the hard
// cast): it sees what the log does not show,
// such as most blocks and reports, its limits differ from number to number, some
// numbers get away and some are restricted for no reason that anybody sees.
//
// It refuses to help the engine: the log carries no quality rating, no template
// state and no account error before a restriction, and no word of the platform
// counts as a warning. It refuses to be tuned: a change of a number in
// hidden.go says in a comment which publication asks for it. It starts no
// goroutine.
package backtest
