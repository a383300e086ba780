/* See recorder.h. One thread, one poll loop: the ring, the control channel, the captures; all records pass through the merge,
 * which hands them on in the order of time to whoever wants them. Knows nothing of ptrace. */
#include "src/recorder_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "src/confine.h"
#include "src/publish.h"
#include "tracer/engine/control.h"
#include "tracer/engine/wire.h"

/* Records of calls come in order but for a little; packets when the capture says that it has delivered up to then, and at the
 * latest after this. */
#define CALLS_DELAY_NS (5 * SW_NS_PER_MS)
#define PACKETS_DELAY_NS (300 * SW_NS_PER_MS)
/* The last packet reaches us within two time-outs of the capture (10 ms each). */
#define DRAIN_NS (25 * SW_NS_PER_MS)
#define TICK_MS 10
#define RECORDS_AT_ONCE 8192
#define JUDGE_EVERY_NS (250 * SW_NS_PER_MS)
/* What is open is kept in a flight recorder's ring for at most so many times --keep: a connect tries for two minutes. */
#define KEEP_OPEN 10
#define BACKLOG_PATIENCE_NS (5 * SW_NS_PER_S)
#define LAST_WORD_PATIENCE_NS (5 * SW_NS_PER_S)

/* ---- what the merge hands out, in the order of time ---- */

static void ordered_socket(void *context, const struct sw_socket *socket)
{
	struct recorder *recorder = context;
	sw_correlate_socket(recorder->correlate, socket);
}

static void ordered_enter(void *context, const struct sw_call *call)
{
	struct recorder *recorder = context;
	if (sw_view_is_live(recorder->view))
		sw_view_enter(recorder->view, call);
	sw_correlate_enter(recorder->correlate, call);
}

static void ordered_leave(void *context, const struct sw_call *call)
{
	struct recorder *recorder = context;
	if (recorder->timeline)
		sw_timeline_call(recorder->timeline, call);
	if (sw_view_is_live(recorder->view))
		sw_view_call(recorder->view, call);
	sw_correlate_leave(recorder->correlate, call);
}

static void ordered_process(void *context, const struct sw_process *process)
{
	struct recorder *recorder = context;
	if (recorder->timeline)
		sw_timeline_process(recorder->timeline, process);
	if (sw_view_is_live(recorder->view))
		sw_view_process(recorder->view, process);
	sw_correlate_process(recorder->correlate, process);
}

static void ordered_fact(void *context, const struct sw_fact *fact)
{
	struct recorder *recorder = context;
	if (recorder->timeline)
		sw_timeline_fact(recorder->timeline, fact);
	if (sw_view_is_live(recorder->view))
		sw_view_fact(recorder->view, fact);
	sw_correlate_fact(recorder->correlate, fact);
}

static void ordered_limit(void *context, const struct sw_limit *limit)
{
	struct recorder *recorder = context;
	sw_correlate_limit(recorder->correlate, limit);
}

static void ordered_packet(void *context, const struct sw_packet *packet)
{
	struct recorder *recorder = context;
	if (recorder->timeline)
		sw_timeline_packet(recorder->timeline, packet);
	if (sw_view_is_live(recorder->view))
		sw_view_packet(recorder->view, packet);
	sw_correlate_packet(recorder->correlate, packet);
}

static void ordered_status(void *context, const struct sw_capture_status *status)
{
	struct recorder *recorder = context;
	if (recorder->timeline)
		sw_timeline_status(recorder->timeline, status);
	sw_correlate_status(recorder->correlate, status);
}

static void found(void *context, const struct sw_finding *finding)
{
	struct recorder *recorder = context;
	sw_view_finding(recorder->view, finding);
	if (recorder->flight)
		sw_flight_found(recorder->flight, finding, sw_clock_realtime());
}

static void snapshot(void *context, int64_t from_ns, const struct sw_trace_sink *trace,
		     const struct sw_packet_sink *packets)
{
	const struct recorder *recorder = context;
	sw_correlate_snapshot(recorder->correlate, from_ns, trace, packets);
}

/* ---- what comes from tracer and captures, as it comes: the captures and the journal hear of it at once ---- */

static void arrived_socket(void *context, const struct sw_socket *socket)
{
	struct recorder *recorder = context;
	sw_captures_socket(recorder->captures, socket);
	socket = sw_anonymizer_socket(recorder->anonymizer, socket);
	if (recorder->incident)
		sw_incident_socket(recorder->incident, socket);
	recorder->to_merge.socket(recorder->to_merge.context, socket);
}

static void arrived_enter(void *context, const struct sw_call *call)
{
	struct recorder *recorder = context;
	sw_captures_call(recorder->captures, call);
	recorder->to_merge.enter(recorder->to_merge.context, sw_anonymizer_call(recorder->anonymizer, call));
}

static void arrived_leave(void *context, const struct sw_call *call)
{
	struct recorder *recorder = context;
	recorder->calls++;
	sw_captures_call(recorder->captures, call);
	call = sw_anonymizer_call(recorder->anonymizer, call);
	if (recorder->incident)
		sw_incident_call(recorder->incident, call);
	recorder->to_merge.leave(recorder->to_merge.context, call);
}

static void arrived_process(void *context, const struct sw_process *process)
{
	struct recorder *recorder = context;
	if (process->is_command) {
		if (recorder->started_ns == SW_TIME_NONE)
			recorder->started_ns = process->time_ns;
		recorder->command_pid = process->pid;
		if (process->event == SW_PROCESS_EXIT)
			recorder->ended_ns = process->time_ns;
	}
	process = sw_anonymizer_process(recorder->anonymizer, process);
	if (recorder->incident)
		sw_incident_process(recorder->incident, process);
	recorder->to_merge.process(recorder->to_merge.context, process);
}

static void arrived_fact(void *context, const struct sw_fact *fact)
{
	struct recorder *recorder = context;
	sw_captures_fact(recorder->captures, fact);
	fact = sw_anonymizer_fact(recorder->anonymizer, fact);
	if (recorder->incident)
		sw_incident_fact(recorder->incident, fact);
	recorder->to_merge.fact(recorder->to_merge.context, fact);
}

static void arrived_limit(void *context, const struct sw_limit *limit)
{
	struct recorder *recorder = context;
	limit = sw_anonymizer_limit(recorder->anonymizer, limit);
	if (recorder->incident)
		sw_incident_limit(recorder->incident, limit);
	recorder->to_merge.limit(recorder->to_merge.context, limit);
}

static void arrived_packet(void *context, const struct sw_packet *packet, const struct sw_raw_packet *raw)
{
	struct recorder *recorder = context;
	recorder->packets++;
	if (!sw_anonymizer_packet(recorder->anonymizer, &packet, &raw))
		return;
	if (recorder->incident)
		sw_incident_packet(recorder->incident, packet, raw);
	recorder->packets_to_merge.packet(recorder->packets_to_merge.context, packet);
}

static void arrived_status(void *context, const struct sw_capture_status *status)
{
	struct recorder *recorder = context;
	status = sw_anonymizer_status(recorder->anonymizer, status);
	if (recorder->incident)
		sw_incident_status(recorder->incident, status);
	recorder->packets_to_merge.status(recorder->packets_to_merge.context, status);
}

static void answer_control(struct recorder *recorder)
{
	struct sw_control message;
	int namespace = -1, got;
	while ((got = sw_control_receive(recorder->start->control_fd, &message, &namespace)) > 0) {
		sw_auto_close int fd = namespace;
		if (message.kind != SW_CONTROL_CAPTURE)
			continue;
		message.kind = SW_CONTROL_READY;
		message.value = sw_captures_open(recorder->captures, message.netns, fd);
		sw_prober_space(recorder->prober, message.netns, fd);
		sw_control_send(recorder->start->control_fd, &message, -1);
	}
	if (got < 0)
		recorder->control_open = false;
}

static void ask_of_stalled(void *context, uint32_t socket)
{
	const struct recorder *recorder = context;
	const struct sw_control question = {.kind = SW_CONTROL_TCP_INFO, .object = socket};
	/* A full queue is no loss: it is asked again. */
	sw_control_send(recorder->start->control_fd, &question, -1);
}

/* Enough was recorded (--packets, --max-size, --until-failure): the tracer lets go, and then says its last word. */
static void stop_when_enough(struct recorder *recorder, int64_t now_ns)
{
	const struct sw_options *options = recorder->start->options;
	bool enough = options->packets && recorder->packets >= options->packets;
	if (recorder->flight)
		enough |= sw_flight_is_over(recorder->flight, now_ns);
	else if (options->max_size && recorder->incident)
		enough |= sw_incident_size(recorder->incident) >= options->max_size;
	if (!enough || recorder->stop_asked)
		return;
	recorder->stop_asked = true;
	recorder->stop_asked_ns = now_ns;
	sw_control_send(recorder->start->control_fd, &(struct sw_control){.kind = SW_CONTROL_STOP}, -1);
}

/* --keep before what is open, and what was found and is not written yet. Nothing of it may be gone however long it takes to be judged,
 * to linger and to be written: at the end the frames of stacks are named, which may take seconds. */
static int64_t needed_since(const struct recorder *recorder, int64_t now_ns)
{
	const struct sw_options *options = recorder->start->options;
	int64_t needed_ns = now_ns - options->keep_ns - options->settle_ns - options->linger_ns - 2 * SW_NS_PER_S;
	int64_t least_ns = now_ns - KEEP_OPEN * options->keep_ns;
	int64_t needs[] = {sw_correlate_needs_since(recorder->correlate), sw_flight_needs_since(recorder->flight)};
	for (size_t i = 0; i < SW_COUNT(needs); i++) {
		int64_t since_ns = needs[i] < least_ns ? least_ns : needs[i];
		if (needs[i] != SW_TIME_NONE && since_ns - options->keep_ns < needed_ns)
			needed_ns = since_ns - options->keep_ns;
	}
	return needed_ns;
}

static void turn_ring(struct recorder *recorder, int64_t now_ns)
{
	sw_incident_turn(recorder->incident, now_ns, needed_since(recorder, now_ns));
	int code = sw_flight_write(recorder->flight, recorder->incident, &recorder->context, now_ns);
	recorder->flight_error = recorder->flight_error ? recorder->flight_error : code;
}

static void show_status(struct recorder *recorder, int64_t now_ns)
{
	struct sw_view_counts counts = {.calls = recorder->calls, .packets = recorder->packets};
	counts.dropped = sw_captures_dropped(recorder->captures, &counts.drops_unknown);
	sw_view_status(recorder->view, now_ns, &counts);
}

/* One turn of the loop: sleeps at most a tick, takes in what has come. */
static void turn(struct recorder *recorder)
{
	struct pollfd fds[3 + SW_CAPTURES_MAX];
	nfds_t count = 0;
	bool may_sleep = sw_ring_sleep(recorder->start->ring, 65536);
	fds[count++] = (struct pollfd){.fd = sw_ring_fd(recorder->start->ring), .events = POLLIN};
	if (recorder->control_open)
		fds[count++] = (struct pollfd){.fd = recorder->start->control_fd, .events = POLLIN};
	if (sw_prober_fd(recorder->prober) >= 0)
		fds[count++] = (struct pollfd){.fd = sw_prober_fd(recorder->prober), .events = POLLIN};
	count += sw_captures_poll_set(recorder->captures, fds + count);
	poll(fds, count, may_sleep ? TICK_MS : 0);
	sw_ring_woken(recorder->start->ring);
	if (recorder->control_open)
		answer_control(recorder);
	const struct sw_trace_sink sink = {recorder,        arrived_socket, arrived_enter, arrived_leave,
					   arrived_process, arrived_fact,   arrived_limit};
	sw_wire_read(recorder->start->ring, &sink, RECORDS_AT_ONCE, &recorder->damaged);
	sw_captures_read(recorder->captures);
	if (recorder->prober)
		sw_correlate_lately(recorder->correlate, sw_prober_ended, recorder->prober);
	sw_prober_read(recorder->prober, &sink);
	int64_t now_ns = sw_clock_realtime();
	if (recorder->incident) {
		sw_incident_flush(recorder->incident, now_ns);
		if (recorder->flight)
			turn_ring(recorder, now_ns);
	}
	show_status(recorder, now_ns);
	stop_when_enough(recorder, now_ns);
}

/* A process that was attached to has been let go, and whoever pressed Ctrl-C waits: on a machine that leaves us no time the last of what
 * was recorded may take minutes. What a command failed of comes last, so that is waited for. */
static bool is_far_behind(struct recorder *recorder)
{
	int64_t now_ns = sw_clock_realtime();
	if (recorder->finished_ns == SW_TIME_NONE)
		recorder->finished_ns = now_ns;
	if (recorder->start->target.mode != SW_MODE_ATTACH || now_ns - recorder->finished_ns < BACKLOG_PATIENCE_NS)
		return false;
	arrived_limit(recorder, &(struct sw_limit){"this machine was too busy to tell the last of the recorded calls",
						   "what failed then is missing"});
	return true;
}

/* The tracer has said its last word, or is dead (its end of the control channel is closed) and the ring is read out. */
static bool tracer_ended(struct recorder *recorder)
{
	size_t length;
	if (!sw_ring_finished(recorder->start->ring) && recorder->control_open)
		return false;
	return !sw_ring_peek(recorder->start->ring, &length) || is_far_behind(recorder);
}

/* Hands out what is complete: what all sources have delivered up to. */
static void release(struct recorder *recorder)
{
	int64_t now = sw_clock_realtime(), until = sw_captures_delivered_ns(recorder->captures);
	until = until < now - PACKETS_DELAY_NS ? now - PACKETS_DELAY_NS : until;
	until = until > now - CALLS_DELAY_NS ? now - CALLS_DELAY_NS : until;
	sw_merge_release(recorder->merge, until);
	if (now - recorder->judged_ns < JUDGE_EVERY_NS)
		return;
	recorder->judged_ns = now;
	sw_correlate_judge(recorder->correlate, until);
	if (recorder->control_open)
		sw_correlate_stalled(recorder->correlate, until, ask_of_stalled, recorder);
}

/* Its last word are the names of frames, and they cost a tracer that was told to stop up to three seconds. */
static bool is_overdue(const struct recorder *recorder)
{
	return sw_recorder_is_done(recorder) && sw_clock_realtime() - recorder->stop_asked_ns > LAST_WORD_PATIENCE_NS;
}

static void record(struct recorder *recorder)
{
	while (!tracer_ended(recorder) && !is_overdue(recorder)) {
		turn(recorder);
		release(recorder);
	}
}

static bool wait_on(const struct recorder *recorder, int64_t ended, int64_t now)
{
	if (sw_captures_any(recorder->captures) &&
	    (now < ended + DRAIN_NS || (now < ended + recorder->start->options->linger_ns &&
					sw_correlate_expects_more(recorder->correlate, now))))
		return true;
	return sw_prober_busy(recorder->prober) && now < ended + SW_PROBER_PATIENCE_NS;
}

/* After the command's end: the packets that are still on their way to us, and those that may yet decide a debt; what the
 * prober was asked. */
static void linger(struct recorder *recorder)
{
	int64_t ended = sw_clock_realtime(), now = ended;
	release(recorder);
	while (wait_on(recorder, ended, now)) {
		turn(recorder);
		sw_captures_flush(recorder->captures);
		release(recorder);
		now = sw_clock_realtime();
	}
	sw_captures_drain(recorder->captures);
}

/* In a process group of its own: what the terminal sends to the command's is not for us, and the report is written even when
 * the tracer is killed. Not in a session of its own: the kernel shares processors out by session (sched(7), "The autogroup
 * feature"), and one that sleeps often was seen to wait for 14 s while threads of another session kept both busy. */
static void leave_terminal(void)
{
	sw_auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setpgid(0, 0);
	/* Who reads the command's output must see its end when the command ends, not when we do. */
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	signal(SIGPIPE, SIG_IGN);
	/* SIGTTOU: of a process group in the background, with `stty tostop`. */
	const int unheard[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTTOU};
	for (size_t i = 0; i < SW_COUNT(unheard); i++)
		signal(unheard[i], SIG_IGN);
}

int sw_recorder_main(const struct sw_recorder_start *start)
{
	const struct sw_options *options = start->options;
	struct recorder recorder = {.start = start,
				    .control_open = true,
				    .started_ns = SW_TIME_NONE,
				    .ended_ns = SW_TIME_NONE,
				    .finished_ns = SW_TIME_NONE};
	struct sw_err err = {0};
	leave_terminal();
	recorder.prober = options->probe ? sw_prober_new(&err) : NULL;
	const struct sw_correlate_options how = {.slow_ns = options->slow_ns,
						 .settle_ns = options->settle_ns,
						 .attached = start->target.mode == SW_MODE_ATTACH,
						 .found = found,
						 .found_context = &recorder};
	const struct sw_trace_sink trace = {&recorder,       ordered_socket, ordered_enter, ordered_leave,
					    ordered_process, ordered_fact,   ordered_limit};
	const struct sw_packet_sink packets = {
		.context = &recorder, .packet = ordered_packet, .status = ordered_status};
	recorder.anonymizer = options->anonymize ? sw_anonymizer_new() : NULL;
	recorder.merge = sw_merge_new(&trace, &packets);
	recorder.to_merge = sw_merge_trace_sink(recorder.merge);
	recorder.correlate = sw_correlate_new(&how);
	recorder.timeline = sw_timeline_wanted(options) ? sw_timeline_new() : NULL;
	recorder.packets_to_merge = sw_merge_packet_sink(recorder.merge);
	const struct sw_packet_sink arrived = {.context = &recorder, .raw = arrived_packet, .status = arrived_status};
	const struct sw_trace_sink limits = {.context = &recorder, .fact = arrived_fact, .limit = arrived_limit};
	recorder.captures = sw_captures_new(options, &arrived, &limits);
	if (options->probe && !recorder.prober)
		arrived_limit(&recorder, &(struct sw_limit){err.text, "nothing was tried after a failure"});
	if (options->no_calls)
		arrived_limit(
			&recorder,
			&(struct sw_limit){
				"the calls were not followed (--no-calls)",
				"what a program was told, and by sockets that live for less than a second, is missing"});
	recorder.view = sw_view_new(options, start->target.mode);
	recorder.flight = sw_options_flight(options) ? sw_flight_new(options, recorder.view) : NULL;
	sw_recorder_context(&recorder);
	const struct sw_incident_ring ring = {.keep_ns = options->keep_ns,
					      .max_size = options->max_size,
					      .folder = options->each_failure,
					      .snapshot = snapshot,
					      .context = &recorder};
	int status = sw_incident_new(start->outputs, recorder.flight ? &ring : NULL, &recorder.incident, &err) < 0 ?
			     SW_EXIT_TOOL :
			     0;
	if (status)
		sw_publish_complain(start->outputs, &err);
	if (sw_confine_begin(options, start->outputs, &err) < 0)
		arrived_limit(&recorder,
			      &(struct sw_limit){err.text, "a hostile packet that broke the recorder could do more"});
	record(&recorder);
	sw_confine_further();
	if (!*start->abandoned) {
		linger(&recorder);
		sw_captures_close(recorder.captures);
		sw_merge_release(recorder.merge, INT64_MAX);
		int published = sw_recorder_publish(&recorder);
		status = published ? published : status;
	}
	sw_outputs_release(start->outputs);
	sw_incident_free(recorder.incident);
	sw_captures_free(recorder.captures);
	sw_prober_free(recorder.prober);
	sw_timeline_free(recorder.timeline);
	sw_flight_free(recorder.flight);
	sw_view_free(recorder.view);
	sw_merge_free(recorder.merge);
	sw_anonymizer_free(recorder.anonymizer);
	return status;
}
