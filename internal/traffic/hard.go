package traffic

import "sendwatch/internal/event"

// Hard casts: in 100 numbers, 40 after stories of restrictions that came below the
// published thresholds or within hours, and 60 of honest people who look like them.
// The stories are field reports of 2025 and 2026; each profile names what it looks like.

// honestLookAlikes are senders whom the people they write to know.
func honestLookAlikes() []*profile {
	return append(append(honestByBehaviour(), honestBySight()...), honestBySession()...)
}

// honestByBehaviour send what outreach to strangers looks like.
func honestByBehaviour() []*profile {
	newcomer := known(profile{
		name: "careful_newcomer", share: 4, joins: [2]int{1, 14},
		outreach: outreach{perDay: 10, growth: 7}, book: 900, visits: 6, reply: .6,
	})
	newcomer.registered = [2]int{0, 0}
	season := known(profile{
		name: "season_start", share: 2, joins: [2]int{1, 14}, asleep: 230,
		outreach: outreach{perDay: 60}, book: 1200, visits: 10, reply: .5,
	})
	return []*profile{
		known(profile{name: "small_shop", share: 9, outreach: outreach{perDay: 13}, book: 500, visits: 9, reply: .65}),
		known(profile{name: "busy_shop", share: 4, outreach: outreach{perDay: 190, least: 5 * second}, book: 4000, visits: 60, reply: .55, content: manyThings}),
		known(profile{
			name: "courier", share: 1, outreach: outreach{runs: []int{8}, every: 1, size: 45, gap: 70 * second, least: 5 * second},
			book: 4000, visits: 6, reply: .42, content: identical,
		}),
		known(profile{
			name: "school", share: 2, outreach: outreach{runs: []int{15}, every: 3, size: 60, gap: 32 * second, least: 10 * second},
			book: 90, visits: 4, reply: .3, answers: inTheirTime, content: identical,
		}),
		known(profile{
			name: "clinic_text", share: 4, outreach: outreach{runs: []int{10}, every: 2, size: 38, gap: 60 * second, least: 5 * second},
			book: 900, visits: 5, reply: .35, answers: inTheirTime, content: identical,
		}),
		known(profile{name: "b2b_slow", share: 6, outreach: outreach{perDay: 34, hours: officeHours}, book: 1500, visits: 3, reply: .36, answers: nextDay}),
		known(profile{
			name: "evening_club", share: 4, outreach: outreach{runs: []int{20}, every: 2, size: 55, gap: 50 * second, least: 15 * second},
			book: 700, visits: 3, reply: .45, answers: overnight,
		}),
		known(profile{name: "night_support", share: 3, outreach: outreach{perDay: 60, hours: allHours}, book: 1200, visits: 40, reply: .6}),
		known(profile{name: "hotel", share: 1, outreach: outreach{perDay: 65, hours: wakingHours}, book: 2500, visits: 14, reply: .5, foreign: .8}),
		newcomer, season,
		known(profile{
			name: "campaigns", share: 1, connection: event.ConnectionCloudAPI, category: event.CategoryMarketing,
			outreach: outreach{runs: []int{11}, every: 2, size: 250, gap: 2500, least: second / 10}, book: 9000, visits: 12, reply: .12,
		}),
	}
}

// honestBySight look silent because of what does not reach the topic, or because
// people answer from other numbers than were dialled.
func honestBySight() []*profile {
	shop := func(p profile) *profile {
		p.outreach.hours, p.outreach.least = shopHours, 20*second
		p.outreach.perDay = max(p.outreach.perDay, 40)
		p.book, p.visits, p.reply = 900, 10, .6
		return known(p)
	}
	return []*profile{
		shop(profile{name: "br_shop", share: 1, country: "BR"}),
		shop(profile{name: "mx_shop", share: 1, country: "MX"}),
		shop(profile{name: "faceless_shop", share: 3, faceless: .85}),
		shop(profile{name: "blind_shop", share: 2, lacks: event.InputInbound}),
		shop(profile{name: "no_status_shop", share: 1, lacks: event.InputStatus}),
		shop(profile{name: "mute_no_status_shop", share: 1, lacks: event.InputStatus, mute: true}),
		shop(profile{name: "unregistered_shop", share: 4, unregistered: true, outreach: outreach{perDay: 105}}),
	}
}

// honestBySession have a session of a few days, as outreach from a number that was
// bought or rented has. WhatsApp has nothing against them.
func honestBySession() []*profile {
	session := func(p profile) *profile {
		p.connection, p.newLink = event.ConnectionWebSession, true
		return known(p)
	}
	all := []*profile{
		// The phone was lost or replaced, the shop linked again and goes on as before.
		session(profile{name: "relinked_shop", share: 2, relinks: [2]int{5, 20}, outreach: outreach{perDay: 16}, book: 600, visits: 9, reply: .62}),
		// A busy shop links one more device; that one is the newest session.
		session(profile{name: "second_device", share: 2, relinks: [2]int{5, 20}, outreach: outreach{perDay: 60}, book: 2500, visits: 25, reply: .55}),
		// An old number comes from another gateway: its first day on the log is that of its session.
		session(profile{name: "migrated_session", share: 2, joins: [2]int{1, 14}, outreach: outreach{perDay: 35}, book: 1500, visits: 12, reply: .5}),
	}
	for _, p := range all {
		p.complain = 0
	}
	return all
}

// known makes a profile that of an old number, on WhatsApp's own apps unless it
// says otherwise, which writes to people who know it.
func known(p profile) *profile {
	p.registered, p.complain = [2]int{200, 1500}, .00005
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

// hardCases write to strangers. Of some nothing is known before that, as of a
// number that was bought or rented for it; the others were little used shops.
func hardCases() []*profile {
	all := append(strangersSlowly(), strangersAtOnce()...)
	for _, p := range all {
		p.complain, p.read, p.stop = max(p.complain, .0002), .5, .01
		if p.connection == event.ConnectionNone {
			p.connection = event.ConnectionWebSession
		}
		if p.registered == [2]int{} && p.name != "new_sim" && p.name != "eager_newcomer" {
			p.registered = [2]int{150, 900}
		}
		if p.onset != [2]int{} && p.before == nil {
			before := *smallShop()
			before.connection, before.outreach.perDay, before.visits = p.connection, 4, 4
			p.before = &before
		}
		p.replans = true
	}
	return all
}

// strangersSlowly take days: 10 to 40 first messages a day.
func strangersSlowly() []*profile {
	shop := *smallShop() // customers before and beside the strangers
	shop.connection = event.ConnectionWebSession
	return []*profile{
		{ // 20 to 30 a day with gaps, restricted after a week
			name: "cold_steady", share: 5, joins: [2]int{1, 12},
			outreach: outreach{perDay: 26, hours: officeHours, least: 90 * second},
			book:     8000, strangers: 1, strangersReply: .06, undelivered: .04,
		},
		{ // thirteen numbers of one business, 19 a day each
			name: "cold_portfolio", share: 4, joins: [2]int{1, 12},
			outreach: outreach{perDay: 19, hours: officeHours, least: 2 * minute},
			book:     8000, strangers: 1, strangersReply: .05, undelivered: .04,
		},
		{ // old number, session linked that day
			name: "new_link_outreach", share: 3, onset: [2]int{2, 12}, before: &shop, newLink: true,
			outreach: outreach{perDay: 13, hours: shopHours, least: 2 * minute},
			book:     5000, strangers: 1, strangersReply: .2, undelivered: .02,
		},
		{ // the same load on a session of months
			name: "old_link_outreach", share: 2, onset: [2]int{2, 12}, before: &shop,
			outreach: outreach{perDay: 13, hours: shopHours, least: 2 * minute},
			book:     5000, strangers: 1, strangersReply: .16, undelivered: .02,
		},
		{ // strangers among customers: the ratio of the whole number stays near 30 %
			name: "mixed_outreach", share: 1, onset: [2]int{2, 12}, before: &shop,
			outreach: outreach{perDay: 46, hours: shopHours, least: minute},
			book:     4000, visits: 12, visitHours: wakingHours, reply: .6, strangers: .55, strangersReply: .05, undelivered: .02,
		},
		{ // chats with customers go on while first messages are refused with 463
			name: "refused_cold", share: 1, onset: [2]int{2, 12}, before: &shop,
			outreach: outreach{perDay: 24, hours: shopHours, least: minute},
			book:     3000, visits: 12, visitHours: wakingHours, reply: .62, strangers: .5, strangersReply: .08, refused: .4, undelivered: .02,
		},
		{ // WhatsApp counts new chats and shows it
			name: "capped", share: 1, onset: [2]int{2, 10}, quota: 180,
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

// strangersAtOnce write to many within hours, or are new.
func strangersAtOnce() []*profile {
	return []*profile{
		{ // a fresh SIM, less than 20 in its first batch
			name: "new_sim", share: 4, joins: [2]int{1, 20}, newLink: true,
			outreach: outreach{runs: []int{10}, every: 1, size: 17, gap: 3 * minute, least: 40 * second},
			book:     5000, strangers: 1, strangersReply: .1, undelivered: .05,
		},
		{ // 35, 70, 120 in its first days: inside twice the plan for warming up
			name: "eager_newcomer", share: 2, joins: [2]int{1, 20}, connection: event.ConnectionBusinessApp,
			outreach: outreach{perDay: 35, growth: 42, hours: shopHours, least: 30 * second},
			book:     9000, strangers: .7, reply: .55, strangersReply: .12, undelivered: .03,
		},
		{ // a bought list in one go
			name: "list_blast", share: 4, onset: [2]int{2, 14},
			outreach: outreach{runs: []int{11}, every: 3, size: 150, gap: 22 * second, least: 5 * second},
			book:     9000, strangers: .8, reply: .15, strangersReply: .04, undelivered: .12, failContact: .07, content: identical,
		},
		{ // one text, one a minute, to a weekly list of people of whom some once wrote
			name: "drip_blast", share: 3, onset: [2]int{2, 14},
			outreach: outreach{runs: []int{9}, every: 3, size: 200, gap: 63 * second, jitter: 3 * second, least: 30 * second},
			book:     9000, strangers: .6, reply: .15, strangersReply: .04, undelivered: .06, failContact: .03, content: identical,
		},
		{ // one picture with one text to 250 in a row
			name: "picture_blast", share: 2, onset: [2]int{2, 14},
			outreach: outreach{runs: []int{10}, every: 4, size: 250, gap: 15 * second, jitter: 2 * second, least: 5 * second},
			book:     9000, strangers: .5, reply: .12, strangersReply: .03, undelivered: .05, failContact: .02, content: samePicture,
		},
		{ // a warmed number: 300 two seconds apart, restricted days later
			name: "warmed_blast", share: 3, onset: [2]int{3, 14},
			outreach: outreach{runs: []int{10}, every: 4, size: 300, gap: 2 * second, least: second},
			book:     9000, strangers: .4, reply: .15, strangersReply: .04, undelivered: .05, failContact: .02,
		},
		{ // a fresh list in one run, stopped after about 50
			name: "short_run", share: 2, onset: [2]int{2, 14},
			outreach: outreach{runs: []int{10}, every: 2, size: 55, gap: 20 * second, least: 8 * second},
			book:     9000, strangers: .9, reply: .2, strangersReply: .05, undelivered: .05, failContact: .02, content: identical,
		},
	}
}
