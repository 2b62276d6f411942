package engine

import (
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// templates knows the templates by the fingerprint of a send of them, and what
// the platform said of them for each WABA.
type templates struct {
	names  interner     // name/language
	byName window.Table // fingerprint -> index in names
	states []templateState
	byWABA window.Table // fingerprint, WABA -> states
	status interner     // the words of template_status
	// categories is set once an update has given one.
	categories bool
}

// templateState is what template.update said of a template for one WABA.
type templateState struct {
	fingerprint uint64
	waba        uint32
	status      uint32 // in templates.status, 0 if not known
	statusTime  int64
	quality     event.Rating
	qualityTime int64
	category    event.Category // of the update applied last that gave one
	pauses      int64          // given, or counted while pausesTime is never
	pausesTime  int64
}

// paused is the status of a template that the platform holds back.
const paused = "PAUSED"

// learn makes a template known by its fingerprint.
func (t *templates) learn(fingerprint uint64, tpl *event.Template, scratch []byte) []byte {
	k := window.Key{A: fingerprint}
	if _, ok := t.byName.Get(k); ok {
		return scratch
	}
	scratch = append(scratch[:0], tpl.Name...)
	scratch = append(scratch, '/')
	scratch = append(scratch, tpl.Language...)
	t.byName.Put(k, t.names.intern(scratch))
	return scratch
}

// templateFingerprint returns the fingerprint that a send of the template has
// (contract, section 4).
func templateFingerprint(tpl *event.Template) uint64 {
	h := xxhash.New()
	for _, part := range [...][]byte{[]byte("template\x00"), tpl.Name, {0}, tpl.Language} {
		_, _ = h.Write(part) // a hash never fails to write
	}
	return h.Sum64()
}

// label returns name/language of a fingerprint, "" if it is not a template's.
func (t *templates) label(fingerprint uint64) string {
	i, _ := t.byName.Get(window.Key{A: fingerprint}) // 0, the empty name, if it is not known
	return t.names.string(i)
}

// state returns what is known of a template for a WABA, nil if nothing is.
func (t *templates) state(fingerprint uint64, waba uint32) *templateState {
	i, ok := t.byWABA.Get(window.Key{A: fingerprint, B: uint64(waba)})
	if !ok {
		return nil
	}
	return &t.states[i]
}

// update takes a template.update.
func (t *templates) update(ev *event.Event, waba uint32) {
	k := window.Key{A: templateFingerprint(&ev.Template), B: uint64(waba)}
	i, ok := t.byWABA.Get(k)
	if !ok {
		i = uint32(len(t.states))
		t.states = append(t.states, templateState{fingerprint: k.A, waba: waba, statusTime: never, qualityTime: never, pausesTime: never})
		t.byWABA.Put(k, i)
	}
	s := &t.states[i]
	if len(ev.TemplateStatus) > 0 && ev.Time >= s.statusTime {
		was := t.status.string(s.status) == paused
		s.status, s.statusTime = t.status.intern(ev.TemplateStatus), ev.Time
		if !was && string(ev.TemplateStatus) == paused && s.pausesTime == never {
			s.pauses++
		}
	}
	if ev.HasPauses && ev.Time >= s.pausesTime {
		s.pauses, s.pausesTime = ev.Pauses, ev.Time
	}
	if ev.Template.Category != event.CategoryNone {
		s.category = ev.Template.Category
		t.categories = true
	}
	if ev.TemplateQuality != event.RatingNone && ev.Time >= s.qualityTime {
		s.quality, s.qualityTime = ev.TemplateQuality, ev.Time
	}
}

// judge returns the level and the severity of a template's state.
func (t *templates) judge(s *templateState, r *policy.Rule) (event.Level, float64) {
	level, severity := r.JudgeWord(s.quality.String())
	word := t.status.string(s.status)
	if l, v := r.JudgeWord(word); v > severity {
		level, severity = l, v
	}
	if word == paused && s.pauses > 1 {
		if l, v := r.JudgeWord(policy.WordPausedAgain); v > severity {
			level, severity = l, v
		}
	}
	return level, severity
}

// words returns a template's state as a flag shows it: status/quality, one that
// is not known left out.
func (t *templates) words(s *templateState) string {
	status, quality := t.status.string(s.status), s.quality.String()
	if status != "" && quality != "" {
		return status + "/" + quality
	}
	return status + quality
}

// templateLevel is the computed level of one template of a number. A number's
// levels are sorted by label, as flags are.
type templateLevel struct {
	fingerprint uint64
	level       event.Level
	severity    float64
}

// judgeTemplates computes the levels of a number's templates again if something
// changed, and returns the largest severity.
func (e *Engine) judgeTemplates(n number, r *policy.Rule, silent bool) (severity float64) {
	if n.templateLevelsStale {
		n.templateLevelsStale = false
		e.levels.Free(&n.templateLevels)
		if !silent {
			e.findTemplateLevels(n, r)
		}
	}
	for k := range n.templateLevels.Len() {
		severity = max(severity, e.levels.At(&n.templateLevels, k).severity)
	}
	return severity
}

// findTemplateLevels judges each template sent in the 24 h.
func (e *Engine) findTemplateLevels(n number, r *policy.Rule) {
	if n.waba == 0 || n.templates.Keys() == 0 || len(e.templates.states) == 0 {
		return
	}
	var found []templateLevel
	for _, k := range e.logs.templates.Since(&n.templates, never, nil) {
		s := e.templates.state(k.Key, n.waba)
		if s == nil {
			continue
		}
		if level, severity := e.templates.judge(s, r); level > event.LevelNone {
			found = append(found, templateLevel{k.Key, level, severity})
		}
	}
	e.sortByLabel(found)
	for _, l := range found {
		e.levels.PushBack(&n.templateLevels, l)
	}
}

func (e *Engine) sortByLabel(levels []templateLevel) {
	slices.SortFunc(levels, func(a, b templateLevel) int {
		return strings.Compare(e.templates.label(a.fingerprint), e.templates.label(b.fingerprint))
	})
}
