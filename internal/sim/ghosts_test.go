package sim

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ghosts are members of a group that nothing was received from for as long as a broker may
// wait. The fake broker starts a member's session only once an answer has reached it, so that one
// that died while it joined stays a member for ever and keeps its partitions; Apache Kafka
// starts it for all when the group has gathered.
type ghosts struct {
	mu   sync.Mutex
	seen map[string]time.Time // by member
}

// watch notes when each member was received from last.
func (g *ghosts) watch(w *world) {
	g.seen = map[string]time.Time{}
	for _, key := range []kmsg.Key{kmsg.Heartbeat, kmsg.SyncGroup, kmsg.JoinGroup} {
		w.cluster.ControlKey(int16(key), func(request kmsg.Request) (kmsg.Response, error, bool) {
			w.cluster.KeepControl()
			var member string
			switch r := request.(type) {
			case *kmsg.HeartbeatRequest:
				member = r.MemberID
			case *kmsg.SyncGroupRequest:
				member = r.MemberID
			case *kmsg.JoinGroupRequest:
				member = r.MemberID
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			g.seen[member] = time.Now()
			return nil, nil, false
		})
	}
}

// lay takes the ghosts out of their groups, as a broker would.
func (g *ghosts) lay(w *world) {
	for group := range topicOf {
		info := w.cluster.GroupInfo(group)
		if info == nil {
			continue
		}
		for _, m := range info.Members {
			g.mu.Lock()
			at, known := g.seen[m.MemberID]
			if !known {
				g.seen[m.MemberID] = time.Now()
			}
			g.mu.Unlock()
			if !known || time.Since(at) <= w.plan.session+w.plan.rebalance {
				continue
			}
			leave := kmsg.NewPtrLeaveGroupRequest()
			leave.Group = group
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID = m.MemberID
			leave.Members = append(leave.Members, member)
			w.note("the broker takes %s out of %s", m.ClientID, group)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			if _, err := w.client.Request(ctx, leave); err != nil {
				w.note("it could not: %v", err)
			}
			cancel()
		}
	}
}
