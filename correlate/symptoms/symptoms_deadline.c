/* Whose timer ended an operation: the kernel's, the socket's or the program's, with its value.
 *
 * Enters: an ended debt, the socket's options, the flow. Leaves: struct sw_deadline. Judges nothing. */
#include "correlate/symptoms/symptoms_deadline.h"

#include <errno.h>

#include "src/base/names.h"

#define RTO_MAX_S 120

/* When the kernel gives a connect up: after so many SYNs, the linear ones included, or at the first of its timers at which so much time has
 * passed as so many SYNs without linear ones would take. tcp_write_timeout and tcp_retransmit_timer in net/ipv4/tcp_timer.c; measured
 * with linear 4 and 1, 2, 3 retries: 3, 7, 19 s. */
static int64_t kernel_connect_ns(const struct sw_symptom_context *context)
{
	const struct sw_fact *sysctl = sw_symptom_fact(context, "sysctl");
	int64_t retries = sysctl ? sw_fact_number(sysctl, "tcp_syn_retries", -1) : -1;
	int64_t linear = sysctl ? sw_fact_number(sysctl, "tcp_syn_linear_timeouts", 0) : 0;
	int64_t passed = 1, timer = 1;

	if (retries < 0 || retries > 20 || linear < 0 || linear > 255)
		return -1;
	for (int64_t sent_again = 0; sent_again < linear + retries && passed < (INT64_C(2) << retries) - 1;
	     passed += timer) {
		sent_again++;
		if (sent_again > linear)
			timer = timer < RTO_MAX_S / 2 ? 2 * timer : RTO_MAX_S;
	}
	return passed * SW_NS_PER_S;
}

static int64_t in_force(const struct sw_symptom_context *context, int32_t asked, const char *of_host)
{
	const struct sw_fact *sysctl = sw_symptom_fact(context, "sysctl");

	return asked > 0 ? asked : sysctl ? sw_fact_number(sysctl, of_host, -1) : -1;
}

/* tcp(7): the first probe after a rest, then so many more, each an interval apart; the last one is waited for as well. */
static void keepalive_value(struct sw_symptom_context *context)
{
	const struct sw_socket_options *options = &context->socket->options;
	int64_t idle = in_force(context, options->keepidle_s, "tcp_keepalive_time");
	int64_t interval = in_force(context, options->keepintvl_s, "tcp_keepalive_intvl");

	context->deadline.count = in_force(context, options->keepcnt, "tcp_keepalive_probes");
	if (idle >= 0 && interval >= 0 && context->deadline.count >= 0)
		context->deadline.value_ns = (idle + interval * context->deadline.count) * SW_NS_PER_S;
}

/* After how long the kernel gives a connection up, and by which of its timers: tcp(7). What it gives up unacknowledged bytes with is not
 * told by a number of seconds: tcp_retries2 counts retransmissions. */
static void kernel_deadline(struct sw_symptom_context *context)
{
	const struct sw_side *ours = context->flow ? &context->flow->side[SW_SIDE_OURS] : NULL;
	const struct sw_socket_options *options = context->socket ? &context->socket->options : NULL;
	struct sw_deadline *deadline = &context->deadline;
	bool unacknowledged = ours && ours->acked_to < ours->sent_to;

	deadline->present = true;
	deadline->whose = "kernel";
	deadline->after_ns = context->debt->ended_ns - context->debt->began_ns;
	if (options && options->user_timeout_ns > 0) {
		deadline->what = "TCP_USER_TIMEOUT";
		deadline->value_ns = options->user_timeout_ns;
	} else if (options && options->keepalive && ours && !unacknowledged && ours->probes_unanswered) {
		deadline->what = "keepalive";
		keepalive_value(context);
	} else {
		deadline->what = "tcp_retries2";
		deadline->count = in_force(context, 0, "tcp_retries2");
	}
}

void sw_symptom_deadline(struct sw_symptom_context *context, const struct sw_debt_state *state)
{
	struct sw_deadline *deadline = &context->deadline;
	const struct sw_debt *debt = &state->debt;
	bool connects = debt->operation == SW_OPERATION_CONNECT;

	deadline->value_ns = deadline->after_ns = deadline->kernel_would_ns = deadline->count = -1;
	deadline->present = debt->outcome == SW_OUTCOME_GAVE_UP || (connects && debt->error == ETIMEDOUT);
	if (!deadline->present && debt->error == ETIMEDOUT && debt->outcome == SW_OUTCOME_FAILED && context->socket &&
	    state->socket && sw_socket_is_stream(state->socket))
		kernel_deadline(context);
	if (!deadline->present || deadline->what)
		return;
	deadline->after_ns = debt->ended_ns - debt->began_ns;
	if (connects)
		deadline->kernel_would_ns = kernel_connect_ns(context);
	deadline->whose = "application";
	if (debt->outcome != SW_OUTCOME_GAVE_UP) {
		deadline->whose = "kernel";
		deadline->what = "tcp_syn_retries";
		deadline->count = in_force(context, 0, "tcp_syn_retries");
	} else if (debt->socket_timeout_ns) {
		deadline->whose = "socket";
		deadline->what = connects || debt->operation == SW_OPERATION_DRAIN ? "SO_SNDTIMEO" : "SO_RCVTIMEO";
		deadline->value_ns = debt->socket_timeout_ns;
	} else if (debt->timer_signal) {
		deadline->what = sw_signal_name(debt->timer_signal);
	} else if (debt->wait.call) {
		deadline->what = sw_sys_name(debt->wait.sys);
		deadline->value_ns = debt->wait.slices > 1 ? debt->wait.waited_ns : debt->wait.asked_ns;
	} else {
		deadline->what = "not-visible";
	}
}
