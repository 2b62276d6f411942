package traffic

import "sendwatch/internal/event"

// Hard casts: in 100 numbers, 40 after stories of restrictions that came below the
// published thresholds, and 60 of honest people who look like them. The stories
// are field reports of 2025 and 2026; each profile names what it looks like.

// honestLookAlikes are senders whom the people they write to know.
func honestLookAlikes() []*profile {
	return append(honestByBehaviour(), honestBySight()...)
}

// honestByBehaviour send what outreach to strangers looks like.
func honestByBehaviour() []*profile {
	known := func(p profile) *profile {
		p.registered, p.complain = [2]int{200, 1500}, .0002
		p.visitHours, p.stop, p.read, p.undelivered, p.failContact = wakingHours, .003, .8, .01, .002
		if p.outreach.hours == nil {
			p.outreach.hours = shopHours
		}
		if p.outreach.least == 0 {
			p.outreach.least = 8 * second
		}
		if p.connection == event.ConnectionNone {
			p.connection = event.ConnectionBusinessApp
		}
		return &p
	}
	newcomer := known(profile{
		name: "careful_newcomer", share: 5, joins: [2]int{1, 14},
		outreach: outreach{perDay: 10, growth: 7}, book: 900, visits: 6, reply: .6,
	})
	newcomer.registered = [2]int{0, 0}
	season := known(profile{
		name: "season_start", share: 2, joins: [2]int{1, 14}, asleep: 230,
		outreach: outreach{perDay: 70}, book: 1200, visits: 10, reply: .5,
	})
	return []*profile{
		known(profile{name: "small_shop", share: 10, outreach: outreach{perDay: 13}, book: 500, visits: 9, reply: .65}),
		known(profile{name: "busy_shop", share: 4, outreach: outreach{perDay: 190, least: 5 * second}, book: 4000, visits: 60, reply: .55, content: manyThings}),
		known(profile{
			name: "courier", share: 2, outreach: outreach{runs: []int{8}, every: 1, size: 45, gap: 70 * second, least: 5 * second},
			book: 4000, visits: 6, reply: .42, content: identical,
		}),
		known(profile{
			name: "school", share: 3, outreach: outreach{runs: []int{15}, every: 3, size: 70, gap: 25 * second, least: 3 * second},
			book: 90, visits: 4, reply: .3, answers: inTheirTime, content: identical,
		}),
		known(profile{
			name: "clinic_text", share: 3, outreach: outreach{runs: []int{10}, every: 2, size: 26, gap: 60 * second, least: 5 * second},
			book: 900, visits: 5, reply: .38, answers: inTheirTime, content: identical,
		}),
		known(profile{name: "b2b_slow", share: 5, outreach: outreach{perDay: 34, hours: officeHours}, book: 1500, visits: 3, reply: .36, answers: nextDay}),
		known(profile{
			name: "evening_club", share: 3, outreach: outreach{runs: []int{20}, every: 2, size: 55, gap: 50 * second, least: 4 * second},
			book: 700, visits: 3, reply: .45, answers: overnight,
		}),
		known(profile{name: "night_support", share: 3, outreach: outreach{perDay: 75, hours: allHours}, book: 1200, visits: 40, reply: .6}),
		known(profile{name: "hotel", share: 2, outreach: outreach{perDay: 65, hours: wakingHours}, book: 2500, visits: 14, reply: .5, foreign: .8}),
		newcomer, season,
		known(profile{
			name: "campaigns", share: 2, connection: event.ConnectionCloudAPI, category: event.CategoryMarketing,
			outreach: outreach{runs: []int{11}, every: 2, size: 250, gap: 2500, least: second / 10}, book: 9000, visits: 12, reply: .12,
		}),
	}
}

// honestBySight look silent because of what does not reach the topic.
func honestBySight() []*profile {
	shop := func(p profile) *profile {
		p.connection, p.registered, p.complain = event.ConnectionBusinessApp, [2]int{200, 1500}, .0002
		p.outreach = outreach{perDay: 40, hours: shopHours, least: 20 * second}
		p.book, p.visits, p.visitHours, p.reply, p.stop, p.read, p.undelivered = 900, 10, wakingHours, .6, .003, .8, .01
		return &p
	}
	return []*profile{
		shop(profile{name: "faceless_shop", share: 4, faceless: .85}),
		shop(profile{name: "blind_shop", share: 3, lacks: event.InputInbound}),
		shop(profile{name: "no_status_shop", share: 2, lacks: event.InputStatus}),
		shop(profile{name: "mute_no_status_shop", share: 2, lacks: event.InputStatus, mute: true}),
		shop(profile{name: "unregistered_shop", share: 5, unregistered: true}),
	}
}

// hardCases write to strangers, below the thresholds for volume.
func hardCases() []*profile {
	all := append(strangersSlowly(), strangersAtOnce()...)
	for _, p := range all {
		p.complain, p.read, p.stop = max(p.complain, .0002), .5, .01
		if p.connection == event.ConnectionNone {
			p.connection = event.ConnectionWebSession
		}
		if p.onset != [2]int{} {
			before := *smallShop()
			before.connection = p.connection
			p.before = &before
			if p.registered == [2]int{} {
				p.registered = [2]int{150, 900}
			}
		}
	}
	return all
}

// strangersSlowly take days: 10 to 40 first messages a day.
func strangersSlowly() []*profile {
	return []*profile{
		{ // 20 to 30 a day with gaps, restricted after a week
			name: "cold_steady", share: 5, onset: [2]int{2, 12},
			outreach: outreach{perDay: 26, hours: officeHours, least: 90 * second},
			book:     8000, strangers: 1, strangersReply: .06, undelivered: .04,
		},
		{ // thirteen numbers of one business, 19 a day each
			name: "cold_portfolio", share: 5, onset: [2]int{2, 10},
			outreach: outreach{perDay: 19, hours: officeHours, least: 2 * minute},
			book:     8000, strangers: 1, strangersReply: .05, undelivered: .04,
		},
		{ // old number, session linked that day
			name: "new_link_outreach", share: 4, onset: [2]int{2, 12}, newLink: true,
			outreach: outreach{perDay: 13, hours: shopHours, least: 2 * minute},
			book:     5000, strangers: 1, strangersReply: .18, undelivered: .02,
		},
		{ // the same load on a session of months
			name: "old_link_outreach", share: 3, onset: [2]int{2, 12},
			outreach: outreach{perDay: 20, hours: shopHours, least: 2 * minute},
			book:     5000, strangers: 1, strangersReply: .16, undelivered: .02,
		},
		{ // strangers among customers: the ratio of the whole number stays near 30 %
			name: "mixed_outreach", share: 3, onset: [2]int{2, 12},
			outreach: outreach{perDay: 46, hours: shopHours, least: minute},
			book:     4000, visits: 12, visitHours: wakingHours, reply: .6, strangers: .55, strangersReply: .05, undelivered: .02,
		},
		{ // chats with customers go on while first messages are refused with 463
			name: "refused_cold", share: 3, onset: [2]int{2, 12},
			outreach: outreach{perDay: 24, hours: shopHours, least: minute},
			book:     3000, visits: 12, visitHours: wakingHours, reply: .62, strangers: .4, strangersReply: .08, refused: .25, undelivered: .02,
		},
		{ // WhatsApp counts new chats and shows it
			name: "capped", share: 2, onset: [2]int{2, 10}, quota: 180,
			outreach: outreach{perDay: 28, hours: officeHours, least: minute},
			book:     8000, strangers: .9, reply: .5, strangersReply: .12, undelivered: .03,
		},
		{ // restricted, and back on the day it may
			name: "again", share: 2, onset: [2]int{2, 10}, restricted: true,
			outreach: outreach{perDay: 30, hours: officeHours, least: minute},
			book:     8000, strangers: .9, reply: .4, strangersReply: .07, undelivered: .03,
		},
		{ // the same, where nothing tells of the restriction
			name: "again_unseen", share: 1, onset: [2]int{2, 10}, restricted: true, lacks: event.InputAccount,
			outreach: outreach{perDay: 30, hours: officeHours, least: minute},
			book:     8000, strangers: .9, reply: .4, strangersReply: .07, undelivered: .03,
		},
	}
}

// strangersAtOnce are restricted within hours.
func strangersAtOnce() []*profile {
	return []*profile{
		{ // a fresh SIM, less than 20 in its first batch
			name: "new_sim", share: 4, joins: [2]int{1, 20}, newLink: true,
			outreach: outreach{runs: []int{10}, every: 1, size: 17, gap: 3 * minute, least: 40 * second},
			book:     5000, strangers: 1, strangersReply: .1, undelivered: .05,
		},
		{ // 35, 70, 120 in its first days: inside twice the plan for warming up
			name: "eager_newcomer", share: 3, joins: [2]int{1, 20}, connection: event.ConnectionBusinessApp,
			outreach: outreach{perDay: 35, growth: 42, hours: shopHours, least: 30 * second},
			book:     9000, strangers: .7, reply: .55, strangersReply: .12, undelivered: .03,
		},
		{ // a bought list in one go
			name: "list_blast", share: 3, onset: [2]int{2, 20},
			outreach: outreach{runs: []int{11}, every: 4, size: 150, gap: 22 * second, least: 5 * second},
			book:     9000, strangers: 1, strangersReply: .04, undelivered: .12, failContact: .07, content: identical,
		},
		{ // one text, one a minute, to a weekly list
			name: "drip_blast", share: 2, onset: [2]int{2, 20},
			outreach: outreach{runs: []int{9}, every: 3, size: 200, gap: 63 * second, jitter: 3 * second, least: 30 * second},
			book:     9000, strangers: 1, strangersReply: .04, undelivered: .06, failContact: .03, content: identical,
		},
	}
}
