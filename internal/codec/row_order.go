package codec

import "sendwatch/internal/event"

// Facts and levels are lists without names in a row, and rows of an older version
// stay in the rows topic for as long as it keeps them. So what the vocabulary has
// taken up since goes to the end here, wherever it stands in it: a version never
// reads a list of another one in the wrong places, and what an older one did not
// write is none.
var (
	// factOrder lists the facts in the order of NumberStatus.facts.
	factOrder = appendedLast(event.NumFacts,
		// version 2 of the contract
		event.FactPending, event.FactAwaited, event.FactReplyRatioNowcast, event.FactReplyRatioCold, event.FactReceived7d,
		event.FactUnlinked7d, event.FactReachoutErrors24h, event.FactLinked, event.FactCap, event.FactCapShare,
	)
	// levelOrder lists the factors of a number in the order of NumberStatus.levels.
	levelOrder = appendedLast(event.NumNumberFactors,
		// version 2 of the contract
		event.FactorReplyNowcast, event.FactorColdStart, event.FactorNewLink, event.FactorReachout, event.FactorNewChatCap,
	)
)

// appendedLast lists the values below n in their order, those that were added
// later behind the others.
func appendedLast[T ~uint8](n T, added ...T) []T {
	order := make([]T, 0, n)
	later := map[T]bool{}
	for _, v := range added {
		later[v] = true
	}
	for v := range n {
		if !later[v] {
			order = append(order, v)
		}
	}
	return append(order, added...)
}
