/* The timeline of --live: calls, packets, and what else a reader wants to know, as it comes.
 *
 * Enters: records in the order of time. Leaves: a line each, a call before the packets that it caused, though it is told when it ends. What
 * the kernel is asked at every call (numbers of TCP, counters, names of frames) is for the report and not shown. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/names.h"
#include "src/report/clean.h"
#include "src/report/words.h"
#include "src/view_internal.h"

#define HELD_MAX 64u
#define HELD_NS (100 * SW_NS_PER_MS) /* a call that is longer inside does not hold up what comes */

bool sw_view_is_live(const struct sw_view *view)
{
	return view->live;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static char *line_of(int64_t time_ns, uint32_t tid, const char *text)
{
	char when[48], thread[16] = "";
	sw_auto_free char *clean = sw_clean_terminal(text);
	if (tid)
		snprintf(thread, sizeof thread, "[%u] ", tid);
	return sw_format("%s  %s%s\n", sw_time_of_day_text(time_ns, when), thread, clean);
}

static void put_line(struct sw_view *view, int64_t time_ns, uint32_t tid, const char *text)
{
	sw_auto_free char *line = line_of(time_ns, tid, text);
	sw_view_put(view, line);
}

static void let_go(struct sw_view *view)
{
	for (size_t i = 0; i < view->held.count; i++) {
		sw_view_put(view, view->held.items[i]);
		free(view->held.items[i]);
	}
	view->held.count = 0;
}

void sw_view_live_end(struct sw_view *view)
{
	let_go(view);
	SW_ARRAY_RELEASE(&view->held);
	SW_ARRAY_RELEASE(&view->causing);
}

/* ---- calls and packets ------------------------------------------------------------------------------------------ */

/* Whether the call makes packets leave. */
static bool causes(const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_CONNECT:
	case SW_SYS_SENDTO:
	case SW_SYS_SENDMSG:
	case SW_SYS_SENDMMSG:
	case SW_SYS_WRITE:
	case SW_SYS_WRITEV:
	case SW_SYS_SENDFILE:
	case SW_SYS_SPLICE:
	case SW_SYS_SHUTDOWN:
	case SW_SYS_CLOSE: return true;
	default: return false;
	}
}

static bool leave(struct sw_view *view, uint32_t tid)
{
	for (size_t i = 0; i < view->causing.count; i++)
		if (view->causing.items[i] == tid) {
			view->causing.items[i] = view->causing.items[--view->causing.count];
			return true;
		}
	return false;
}

void sw_view_enter(struct sw_view *view, const struct sw_call *call)
{
	leave(view, call->tid);
	if (causes(call) && view->causing.count < HELD_MAX)
		*SW_ARRAY_ADD(&view->causing) = call->tid;
}

void sw_view_call(struct sw_view *view, const struct sw_call *call)
{
	char text[1024];
	bool caused = leave(view, call->tid);
	if (!caused)
		let_go(view);
	put_line(view, call->enter_ns, call->tid, sw_call_text(call, text, sizeof text));
	if (!view->causing.count)
		let_go(view);
}

void sw_view_packet(struct sw_view *view, const struct sw_packet *packet)
{
	char text[1024];
	char *line = line_of(packet->time_ns, 0, sw_packet_text(packet, packet->way, text, sizeof text));
	if (view->held.count && (view->held.count >= HELD_MAX || packet->time_ns - view->held_since_ns >= HELD_NS)) {
		view->causing.count = 0;
		let_go(view);
	}
	if (!view->held.count)
		view->held_since_ns = packet->time_ns;
	*SW_ARRAY_ADD(&view->held) = line;
	if (!view->causing.count)
		let_go(view);
}

/* ---- what else -------------------------------------------------------------------------------------------------- */

/* Births say nothing yet, and a child's end is its parent's signal. */
static bool is_told(const struct sw_process *process)
{
	switch (process->event) {
	case SW_PROCESS_BEGIN: return false;
	case SW_PROCESS_EXEC: return true;
	case SW_PROCESS_EXIT: return process->is_command || process->signal || process->code;
	case SW_PROCESS_SIGNAL:
		return process->signal != SIGCHLD && process->signal != SIGWINCH && process->signal != SIGCONT;
	}
	return true;
}

void sw_view_process(struct sw_view *view, const struct sw_process *process)
{
	if (!is_told(process))
		return;
	sw_auto_free char *text =
		process->event == SW_PROCESS_EXEC   ? sw_format("+++ exec %s +++", process->comm ? process->comm : "") :
		process->event == SW_PROCESS_SIGNAL ? sw_format("+++ got %s +++", sw_signal_name(process->signal)) :
		process->signal ? sw_format("+++ killed by %s +++", sw_signal_name(process->signal)) :
				  sw_format("+++ exited with %d +++", process->code);
	let_go(view);
	put_line(view, process->time_ns, process->pid, text);
}

/* Answers of the kernel that say why. To add one: its kind, as in tracer/facts.md. */
static const char *const told_kinds[] = {
	"route",      "neighbor",    "listener", "receive-buffer", "port-range",    "fd-limit",
	"unix-path",  "port-holder", "firewall", "address-local",  "probe-path",    "probe-size",
	"forwarding", "translation", "sysctl",   "probe-resolver", "probe-address", "calls-end",
};

void sw_view_fact(struct sw_view *view, const struct sw_fact *fact)
{
	char text[1024];
	for (size_t i = 0; i < SW_COUNT(told_kinds); i++) {
		if (strcmp(told_kinds[i], fact->kind) != 0)
			continue;
		let_go(view);
		put_line(view, fact->time_ns, fact->tid, sw_fact_line(fact, text, sizeof text));
	}
}
