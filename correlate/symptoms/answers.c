/* See answers.h. The facts of handshakes are gathered as for a rule, from a context that has nothing else. */
#include "correlate/symptoms/answers.h"

#include "correlate/facts/facts.h"
#include "correlate/findings/said.h"
#include "correlate/flows/tls_port.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"

/* Such lines as QUIT or "a3 LOGOUT", a Terminate of PostgreSQL, and a FIN. */
#define GOODBYE_MAX 24

/* Whether a packet belongs to this operation: not before it began, and no later than its end. */
static bool within(const struct sw_debt *debt, struct sw_seen seen)
{
	return seen.packet && seen.time_ns >= debt->began_ns - SW_STAMP_SLACK_NS &&
	       (debt->ended_ns == SW_TIME_NONE || seen.time_ns <= debt->ended_ns + SW_STAMP_SLACK_NS);
}

/* Our own alert follows the last that we read. */
static bool follows(const struct sw_debt *debt, struct sw_seen alert, const struct sw_flow *flow)
{
	struct sw_seen read = flow->side[SW_SIDE_PEER].last_new_data;

	return alert.packet && alert.time_ns >= debt->began_ns && alert.time_ns <= debt->ended_ns + SW_ALERT_AFTER_NS &&
	       (!read.packet || read.time_ns <= debt->ended_ns + SW_STAMP_SLACK_NS || read.time_ns > alert.time_ns);
}

static const struct sw_handshake *handshake_of(const struct sw_handshakes *handshakes, const struct sw_flow *flow)
{
	const struct sw_handshake *handshake = flow ? sw_handshakes_get(handshakes, flow->id) : NULL;

	return !handshake && flow && flow->mirrored ? sw_handshakes_get(handshakes, flow->mirror) : handshake;
}

static void gather(struct sw_facts *facts, const struct sw_handshake *handshake, const struct sw_flow *flow,
		   const struct sw_debt *debt)
{
	struct sw_symptom_context context = {.debt = debt, .flow = flow, .handshake = handshake};
	struct sw_arena *arena = sw_arena_new();

	*facts = (struct sw_facts){0};
	sw_facts_of_tls(facts, &context, arena);
	sw_arena_free(arena); /* flags and packets are all that is asked for */
}

/* We left without a word, or with none but our Finished; a process that was killed meanwhile chose nothing. */
static bool left(const struct sw_facts *facts, const struct sw_debt *debt, const struct sw_process_seen *process)
{
	if (!facts->tls_left.packet || !facts->tls_left_ours || debt->operation != SW_OPERATION_HANDSHAKE)
		return false;
	return !process || !process->exited || !process->signal ||
	       process->exit_ns > facts->tls_left.time_ns + SW_AT_ONCE_NS;
}

/* The program read the whole ClientHello, and nothing was answered to it. */
static bool starved(const struct sw_facts *facts, const struct sw_flow *flow, const struct sw_debt *debt)
{
	return facts->tls_starved && debt->unanswered && debt->bytes_read >= flow->side[SW_SIDE_PEER].bytes;
}

/* Our end of the handshake is the server's. An alert of the client's is what the last debt read, which is closed without an answer;
 * what we say ourselves follows the debt's end. */
static bool serve_is_no(const struct sw_answer_sources *sources, const struct sw_handshake *handshake,
			const struct sw_flow *flow, struct sw_debt *debt)
{
	struct sw_facts facts;
	int64_t from_ns = debt->began_ns - SW_STAMP_SLACK_NS, to_ns = debt->ended_ns + SW_ALERT_AFTER_NS;
	bool no;

	if ((debt->outcome != SW_OUTCOME_DONE && debt->outcome != SW_OUTCOME_FAILED) ||
	    (handshake->done.packet && handshake->done.time_ns < debt->began_ns - SW_STAMP_SLACK_NS))
		return false;
	gather(&facts, handshake, flow, debt);
	no = facts.tls_alert.packet && !facts.tls_alert_ours &&
	     facts.tls_alert.time_ns <= debt->ended_ns + SW_STAMP_SLACK_NS;
	no |= facts.tls_alert.packet && facts.tls_alert_ours && facts.tls_alert.time_ns >= from_ns &&
	      facts.tls_alert.time_ns <= to_ns;
	no |= facts.tls_not.packet && facts.tls_not_ours &&
	      facts.tls_not.time_ns <= to_ns; /* who speaks first waits for no hello */
	no |= starved(&facts, flow, debt) && !sw_tls_served(sources->flows, sources->handshakes, flow);
	no |= facts.tls_only_ours || (facts.tls_unanswered && debt->unanswered && debt->closed_by) ||
	      (facts.tls_left.packet && !facts.tls_left_ours && !facts.tls_left_behind);
	if (no)
		debt->operation = SW_OPERATION_HANDSHAKE;
	return no && debt->outcome == SW_OUTCOME_DONE; /* what failed is a symptom of its own */
}

/* Behind a no to our request for TLS we said no more than goodbye, and left. Who can do without goes on. */
static bool refused_upgrade(const struct sw_flow *flow, struct sw_debt *debt)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];

	if (!flow->initiator || !within(debt, peer->refused_tls) || !sw_side_gone(ours).packet ||
	    ours->sent_to - peer->refused_at > GOODBYE_MAX)
		return false;
	debt->operation = SW_OPERATION_HANDSHAKE;
	return true;
}

/* A client asked without TLS, our side closed without a word, and something tells that the program speaks TLS there. */
static bool refused_plain(const struct sw_answer_sources *sources, const struct sw_flow *flow,
			  struct sw_debt_state *state)
{
	struct sw_debt *debt = &state->debt;
	const struct sw_socket_seen *socket = state->socket ? &state->socket->seen : NULL;

	if (!sw_tls_port_mute(flow, debt) ||
	    (!sw_tls_port_reads_records(socket, flow) &&
	     !sw_said_of(sources->said, debt->pid, debt->began_ns, sw_said_tls_words) &&
	     !sw_tls_served(sources->flows, sources->handshakes, flow)))
		return false;
	debt->mute = true;
	debt->operation = SW_OPERATION_HANDSHAKE;
	return true;
}

/* A question that is understood lay here unread until its client had left, and was closed without an answer. */
static bool read_too_late(const struct sw_flow *flow, const struct sw_debt *debt)
{
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];
	struct sw_seen left = sw_side_gone(peer);

	return debt->unanswered && debt->closed_by && !flow->initiator && peer->asked_all && left.packet &&
	       left.time_ns <= debt->began_ns && left.time_ns - peer->last_new_data.time_ns >= SW_ANSWER_LATE_NS &&
	       !flow->side[SW_SIDE_OURS].data_packets;
}

bool sw_answer_is_missing(const struct sw_answer_sources *sources, const struct sw_flow *flow,
			  struct sw_debt_state *state)
{
	struct sw_debt *debt = &state->debt;
	const struct sw_handshake *handshake = handshake_of(sources->handshakes, flow);
	struct sw_facts facts;

	if (debt->operation != SW_OPERATION_SERVE || debt->outcome != SW_OUTCOME_DONE || !flow)
		return false;
	debt->left_in_vain |= read_too_late(flow, debt);
	if (debt->left_in_vain)
		return true;
	if (handshake) { /* others were answered there: the program was too slow */
		gather(&facts, handshake, flow, debt);
		debt->left_in_vain = starved(&facts, flow, debt);
		return debt->left_in_vain;
	}
	/* Who speaks HTTP answers a question that it does not want by a status. */
	debt->mute = sw_tls_port_mute(flow, debt) && flow->side[SW_SIDE_PEER].asked_all &&
		     debt->ended_ns - debt->began_ns < SW_ANSWER_LATE_NS;
	return debt->mute;
}

/* Bytes of the server's flight were read, and there was nothing yet to answer. */
static bool in_flight(const struct sw_handshake *handshake, const struct sw_debt_state *state)
{
	const struct sw_handshake_side *client = &handshake->side[handshake->client_side];

	return state->debt.operation == SW_OPERATION_HANDSHAKE && state->debt.outcome == SW_OUTCOME_DONE &&
	       state->socket && handshake->server_hello.packet && !handshake->done.packet &&
	       !client->protected.packet && !client->finished;
}

/* The end of the connection was read in its place. */
static bool flight_cut(const struct sw_handshake *handshake, const struct sw_flow *flow,
		       const struct sw_debt_state *state)
{
	struct sw_seen closed = sw_side_gone(&flow->side[SW_SIDE_PEER]), left = sw_side_gone(&flow->side[SW_SIDE_OURS]);
	struct sw_seen ours = handshake->side[handshake->client_side].alert.seen,
		       theirs = handshake->side[!handshake->client_side].alert.seen;
	struct sw_seen alert = ours.packet ? ours : theirs;

	return in_flight(handshake, state) && closed.packet && (!left.packet || closed.time_ns <= left.time_ns) &&
	       (!alert.packet || alert.time_ns > closed.time_ns) && state->socket->seen.eofs;
}

/* Or nothing more came, and somebody waited for it until our side closed: unlike another answer a handshake tells that it is not whole. */
static void take_stopped(const struct sw_answer_sources *sources, const struct sw_handshake *handshake,
			 const struct sw_flow *flow, struct sw_debt_state *state)
{
	struct sw_seen closed = sw_side_gone(&flow->side[SW_SIDE_PEER]), left = sw_side_gone(&flow->side[SW_SIDE_OURS]);
	int64_t came_ns = flow->side[SW_SIDE_PEER].last_new_data.time_ns, until_ns;

	if (!in_flight(handshake, state))
		return;
	until_ns = left.packet ? left.time_ns : state->socket->seen.closed_ns;
	if (until_ns == SW_TIME_NONE || until_ns - came_ns < sources->slow_ns ||
	    (closed.packet && closed.time_ns <= until_ns) ||
	    (!state->died_waiting && state->debt.wait.waited_ns < (until_ns - came_ns) / 2))
		return;
	state->debt.outcome = SW_OUTCOME_GAVE_UP;
	state->debt.ended_ns = until_ns;
}

bool sw_answer_is_no(const struct sw_answer_sources *sources, const struct sw_flow *flow, struct sw_debt_state *state)
{
	struct sw_debt *debt = &state->debt;
	bool serving = debt->operation == SW_OPERATION_SERVE;
	const struct sw_handshake *handshake =
		serving || debt->operation == SW_OPERATION_ANSWER ? handshake_of(sources->handshakes, flow) : NULL;
	struct sw_facts facts;

	if (!handshake)
		return flow && debt->outcome == SW_OUTCOME_DONE &&
		       (serving ? refused_plain(sources, flow, state) :
				  debt->operation == SW_OPERATION_ANSWER && refused_upgrade(flow, debt));
	if (serving)
		return serve_is_no(sources, handshake, flow, debt);
	if (handshake->client_hello.packet && (!handshake->done.packet || handshake->done.time_ns >= debt->began_ns) &&
	    (debt->ended_ns == SW_TIME_NONE || handshake->client_hello.time_ns <= debt->ended_ns))
		debt->operation = SW_OPERATION_HANDSHAKE;
	if (flight_cut(handshake, flow, state))
		debt->outcome = SW_OUTCOME_EOF;
	else
		take_stopped(sources, handshake, flow, state);
	if (debt->outcome != SW_OUTCOME_DONE)
		return false;
	gather(&facts, handshake, flow, debt);
	if (facts.tls_alert_ours && follows(debt, facts.tls_alert, flow))
		return true;
	return within(debt, facts.tls_alert) || within(debt, facts.tls_not) || within(debt, facts.tls_warning) ||
	       facts.tls_only_peer || facts.tls_echoed ||
	       left(&facts, debt, sw_processes_get(sources->processes, debt->pid));
}

static bool ended_with(const struct sw_handshake *handshake, const struct sw_flow *flow, enum sw_flow_side side,
		       struct sw_seen goodbye)
{
	return goodbye.packet &&
	       (handshake->flow != flow->id || flow->side[side].last_new_data.packet == goodbye.packet);
}

/* All that we read as a request, or all that we left unread, was the client's close_notify, the last that it said: who says that owes and
 * asks nothing more. Or all that we said to it was our own: the client had gone, and we let it go. */
static bool only_goodbye(const struct sw_handshake *handshake, const struct sw_flow *flow,
			 const struct sw_debt_state *state)
{
	const struct sw_debt *debt = &state->debt;
	const struct sw_handshake_side *client = &handshake->side[handshake->client_side];
	const struct sw_handshake_side *own = &handshake->side[!handshake->client_side];
	int64_t read = state->socket ? state->socket->seen.bytes_read : 0;

	if (ended_with(handshake, flow, SW_SIDE_PEER, client->goodbye) &&
	    ((debt->bytes_read <= client->goodbye_bytes &&
	      debt->began_ns >= client->goodbye.time_ns - SW_STAMP_SLACK_NS) ||
	     (read && !flow->side[SW_SIDE_PEER].fin.packet && !flow->side[SW_SIDE_PEER].rst.packet &&
	      flow->side[SW_SIDE_PEER].bytes - read <= client->goodbye_bytes)))
		return true;
	return ended_with(handshake, flow, SW_SIDE_OURS, own->goodbye) && own->before_goodbye_ns < debt->began_ns &&
	       debt->ended_ns - debt->began_ns < SW_ANSWER_LATE_NS;
}

/* All that never arrived was our own close_notify, the last that we said: nobody misses it. */
static bool lost_goodbye(const struct sw_handshake *handshake, const struct sw_flow *flow, const struct sw_debt *debt)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS];
	const struct sw_handshake_side *own =
		&handshake->side[handshake->flow == flow->id ? SW_SIDE_OURS : SW_SIDE_PEER];

	return debt->outcome == SW_OUTCOME_LOST && ended_with(handshake, flow, SW_SIDE_OURS, own->goodbye) &&
	       ours->sent_to - ours->acked_to <= own->goodbye_bytes + 1; /* and a FIN */
}

/* All that we asked was to close. */
static bool asked_to_close(const struct sw_handshake *handshake, const struct sw_flow *flow, const struct sw_debt *debt)
{
	const struct sw_handshake_side *own =
		&handshake->side[handshake->flow == flow->id ? SW_SIDE_OURS : SW_SIDE_PEER];

	return debt->bytes_accepted > 0 && debt->bytes_accepted <= own->goodbye_bytes &&
	       ended_with(handshake, flow, SW_SIDE_OURS, own->goodbye) &&
	       own->goodbye.time_ns >= debt->began_ns - SW_STAMP_SLACK_NS;
}

static bool drain_is_told(const struct sw_handshake *handshake, const struct sw_flow *flow, const struct sw_debt *debt)
{
	/* behind the client's alert */
	bool vain = debt->outcome == SW_OUTCOME_LOST || (debt->outcome == SW_OUTCOME_FAILED && !flow->initiator);
	struct sw_facts facts;

	if (!vain || flow->side[SW_SIDE_OURS].data_packets == 0)
		return false;
	if (lost_goodbye(handshake, flow, debt))
		return true;
	gather(&facts, handshake, flow, debt);
	return facts.tls_alert.packet || facts.tls_not.packet;
}

bool sw_answer_tells(const struct sw_handshakes *handshakes, const struct sw_flow *flow,
		     const struct sw_debt_state *state)
{
	const struct sw_handshake *handshake = handshake_of(handshakes, flow);

	if (!handshake)
		return false;
	switch (state->debt.operation) {
	case SW_OPERATION_SERVE: return only_goodbye(handshake, flow, state);
	case SW_OPERATION_DRAIN: return drain_is_told(handshake, flow, &state->debt);
	case SW_OPERATION_ANSWER: return asked_to_close(handshake, flow, &state->debt);
	default: return false;
	}
}

static bool is_no(const struct sw_debt *debt)
{
	bool handshake = debt->operation == SW_OPERATION_HANDSHAKE;

	return ((handshake || debt->operation == SW_OPERATION_ANSWER) && debt->outcome == SW_OUTCOME_ANSWERED_NO) ||
	       (handshake && debt->outcome == SW_OUTCOME_EOF);
}

/* A later step of the same handshake was answered no too: that one tells it. */
static void join(const struct sw_debts *debts, struct sw_debt_state *state)
{
	for (size_t i = 0; is_no(&state->debt) && i < sw_debts_kept(debts); i++) {
		const struct sw_debt *other = &sw_debts_at(debts, i)->debt;

		if (is_no(other) && other->flow == state->debt.flow && other->began_ns > state->debt.began_ns) {
			state->joined = true;
			return;
		}
	}
}

void sw_answers_join(struct sw_debts *debts)
{
	for (size_t i = 0; i < sw_debts_kept(debts); i++)
		join(debts, sw_debts_at(debts, i));
}
