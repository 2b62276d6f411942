package traffic

import "sendwatch/internal/event"

// Misbehaving senders are each built around one habit. Their other habits stay
// moderate, so that what flags them is what they are named after.
func misbehavingProfiles() []*profile {
	community := []*profile{
		{
			name: "blaster", share: 5, connection: event.ConnectionWebSession, onset: [2]int{1, 9},
			expects:  []expectation{{event.FactorVelocityHour, 2}, {event.FactorVelocityBurst, 2}},
			outreach: outreach{runs: []int{9, 14, 20}, every: 1, size: 120, gap: 8 * second, least: second},
			book:     20000, reply: .08, stop: .02, read: .5, undelivered: .04, failContact: .01, blocks: .004,
		},
		{
			name: "cold_campaign", share: 5, connection: event.ConnectionBusinessApp, onset: [2]int{1, 6},
			expects:  []expectation{{event.FactorReplyRatio, 9}, {event.FactorReplyNowcast, 4}, {event.FactorUnanswered, 9}},
			outreach: outreach{runs: []int{10}, every: 1, size: 90, gap: 230 * second, least: 32 * second},
			book:     8000, reply: .03, stop: .01, read: .45, undelivered: .03, failContact: .004, blocks: .003,
		},
		{
			name: "template_batch", share: 5, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorIdenticalBatch, 2}},
			outreach: outreach{runs: []int{9, 13, 18}, every: 1, size: 24, gap: 110 * second, least: 32 * second},
			book:     3000, reply: .62, stop: .01, read: .7, undelivered: .01, content: identical,
		},
		{
			name: "eager_newcomer", share: 5, connection: event.ConnectionBusinessApp, joins: [2]int{1, 22},
			expects:  []expectation{{event.FactorDailyVolume, 3}},
			outreach: outreach{runs: []int{9}, every: 1, size: 130, gap: 195 * second, least: 32 * second},
			book:     8000, reply: .62, stop: .01, read: .7, undelivered: .01,
		},
		{
			name: "interval_bot", share: 5, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorMechanicalTiming, 2}},
			outreach: outreach{runs: []int{9, 15}, every: 1, size: 40, gap: 150 * second, jitter: second, least: second},
			book:     4000, reply: .62, stop: .01, read: .7, undelivered: .01,
		},
		{
			name: "creeping", share: 4, connection: event.ConnectionBusinessApp, registered: [2]int{200, 900},
			expects:  []expectation{{event.FactorUnanswered, 29}},
			outreach: outreach{runs: []int{10}, every: 1, size: 56, gap: 330 * second, least: 40 * second},
			book:     4000, reply: .65, replyLater: .05, fadeFrom: 4, fadeTo: 20, stop: .006, read: .6, undelivered: .01,
		},
		{
			name: "hammerer", share: 4, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorConversationPressure, 4}},
			outreach: outreach{perDay: 8, hours: shopHours, least: 40 * second},
			book:     1500, insists: 6, reply: .35, stop: .02, read: .6, undelivered: .01,
		},
		{
			name: "stop_ignorer", share: 4, connection: event.ConnectionBusinessApp, onset: [2]int{1, 9},
			expects:  []expectation{{event.FactorOptOut, 8}},
			outreach: outreach{perDay: 30, hours: shopHours, least: 40 * second},
			book:     4000, ignoresStop: true, reply: .62, stop: .2, read: .7, undelivered: .01,
		},
		{
			name: "bought_list", share: 4, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects: []expectation{
				{event.FactorDelivery, 4}, {event.FactorInvalidContacts, 4}, {event.FactorOptIn, 4},
			},
			outreach: outreach{runs: []int{9}, every: 1, size: 150, gap: 180 * second, least: 32 * second},
			book:     20000, reply: .04, stop: .02, read: .5, undelivered: .3, failContact: .16, noOptIn: .6, blocks: .003,
		},
		{
			name: "blocked_sender", share: 4, connection: event.ConnectionBusinessApp, onset: [2]int{1, 9},
			expects:  []expectation{{event.FactorBlockRate, 7}, {event.FactorSpamErrors, 7}},
			outreach: outreach{runs: []int{10, 15}, every: 1, size: 34, gap: 200 * second, least: 32 * second},
			book:     6000, reply: .42, stop: .02, read: .6, undelivered: .02, failSpam: .05, blocks: .05, reports: .03,
		},
		{
			name: "round_the_clock", share: 3, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorActiveHours, 4}},
			outreach: outreach{perDay: 95, hours: allHours, least: 32 * second},
			book:     6000, reply: .62, stop: .005, read: .7, undelivered: .01,
		},
		{
			name: "media_repeater", share: 3, connection: event.ConnectionBusinessApp, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorMediaRepeat, 3}},
			outreach: outreach{runs: []int{9}, every: 1, size: 140, gap: 195 * second, least: 32 * second},
			book:     8000, reply: .62, stop: .005, read: .7, undelivered: .01, content: sameMedia,
		},
		{
			name: "link_repeater", share: 3, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorLinkRepeat, 3}},
			outreach: outreach{runs: []int{9, 16}, every: 1, size: 50, gap: 165 * second, least: 32 * second},
			book:     6000, reply: .62, stop: .005, read: .7, undelivered: .01, content: sameLink,
		},
		{
			name: "foreign_sender", share: 3, connection: event.ConnectionBusinessApp, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorForeignContacts, 4}},
			outreach: outreach{runs: []int{10}, every: 1, size: 75, gap: 240 * second, least: 32 * second},
			book:     6000, reply: .62, stop: .005, read: .7, undelivered: .01, foreign: .85,
		},
		{
			name: "sleeper", share: 3, connection: event.ConnectionBusinessApp, registered: [2]int{600, 1500},
			joins:    [2]int{2, 22},
			expects:  []expectation{{event.FactorDormancy, 3}},
			outreach: outreach{runs: []int{10}, every: 1, size: 65, gap: 240 * second, least: 32 * second},
			book:     5000, asleep: 300, reply: .62, stop: .005, read: .7, undelivered: .01,
		},
		{
			name: "region_mismatch", share: 3, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorRegion, 2}},
			outreach: outreach{perDay: 20, hours: shopHours, least: 40 * second},
			book:     1500, abroad: true, reply: .62, stop: .005, read: .7, undelivered: .01,
		},
		{
			name: "early_restart", share: 4, connection: event.ConnectionBusinessApp, onset: [2]int{2, 16},
			expects:  []expectation{{event.FactorRestriction, 1}, {event.FactorRestart, 6}},
			outreach: outreach{runs: []int{10}, every: 1, size: 45, gap: 240 * second, least: 32 * second},
			book:     5000, restricted: true, reply: .5, stop: .01, read: .6, undelivered: .02, blocks: .004,
		},
		{
			name: "group_adder", share: 3, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorGroupAdd, 2}},
			outreach: outreach{perDay: 15, hours: shopHours, least: 40 * second},
			book:     1500, groups: 45, reply: .62, stop: .005, read: .7, undelivered: .01,
		},
		{
			name: "stranger_newcomer", share: 2, connection: event.ConnectionWebSession, joins: [2]int{1, 20}, newLink: true,
			expects:  []expectation{{event.FactorColdStart, 2}, {event.FactorNewLink, 2}},
			outreach: outreach{runs: []int{10, 15}, every: 1, size: 18, gap: 4 * minute, least: 40 * second},
			book:     5000, reply: .06, stop: .01, read: .5, undelivered: .03,
		},
		{
			name: "refused_first", share: 2, connection: event.ConnectionWebSession, onset: [2]int{1, 12},
			expects:  []expectation{{event.FactorReachout, 3}},
			outreach: outreach{perDay: 24, hours: shopHours, least: 40 * second},
			book:     3000, strangers: .7, strangersReply: .3, refused: .3, reply: .62, stop: .005, read: .7, undelivered: .01,
		},
		{
			name: "quota_spender", share: 2, connection: event.ConnectionBusinessApp, onset: [2]int{1, 6}, quota: 220,
			expects:  []expectation{{event.FactorNewChatCap, 18}},
			outreach: outreach{perDay: 24, hours: shopHours, least: 40 * second},
			book:     3000, reply: .62, stop: .005, read: .7, undelivered: .01,
		},
	}
	for _, p := range community {
		if p.onset != [2]int{} {
			p.before = smallShop()
			p.registered = [2]int{60, 700}
		}
	}
	return append(community, misbehavingOfficial()...)
}

// misbehavingOfficial are those connected by the official interface, where
// volume alone says nothing.
func misbehavingOfficial() []*profile {
	return []*profile{
		{
			name: "template_paused", share: 3, connection: event.ConnectionCloudAPI,
			registered: [2]int{200, 900}, joins: [2]int{0, 12},
			expects:  []expectation{{event.FactorTemplateQuality, 5}},
			outreach: outreach{perDay: 110, hours: officeHours, least: second},
			book:     8000, templateHits: true, reply: .09, stop: .02, read: .5, undelivered: .02, failContact: .004,
			category: event.CategoryMarketing,
		},
		{
			name: "rating_falls", share: 3, connection: event.ConnectionCloudAPI,
			registered: [2]int{200, 900}, joins: [2]int{0, 12},
			expects:  []expectation{{event.FactorQuality, 5}},
			outreach: outreach{perDay: 90, hours: officeHours, least: second},
			book:     8000, ratingFalls: true, reply: .09, stop: .02, read: .5, undelivered: .02, failContact: .004,
			category: event.CategoryMarketing,
		},
		{
			name: "account_blocked", share: 2, connection: event.ConnectionCloudAPI,
			registered: [2]int{200, 900}, joins: [2]int{0, 15},
			expects:  []expectation{{event.FactorAccountErrors, 4}},
			outreach: outreach{perDay: 90, hours: officeHours, least: second},
			book:     8000, failAccount: .08, reply: .09, stop: .02, read: .5, undelivered: .02, failContact: .004,
			category: event.CategoryMarketing,
		},
		{
			name: "official_spam", share: 2, connection: event.ConnectionCloudAPI,
			registered: [2]int{60, 300}, joins: [2]int{0, 5},
			expects: []expectation{
				{event.FactorIdenticalBatch, 4}, {event.FactorReplyRatio, 8}, {event.FactorUnanswered, 12},
			},
			outreach: outreach{runs: []int{11}, every: 2, size: 1500, gap: 1800, least: second / 20},
			book:     60000, reply: .004, stop: .3, read: .3, undelivered: .03, failContact: .004,
			category: event.CategoryMarketing,
		},
	}
}
