/* The usual reports: a failure with a slow look-up and notes beside it, clean runs, a blind one. */
#include "tests/unit/report_samples.h"

#include <errno.h>
#include <netinet/in.h>

#include "src/base/mem.h"

struct sw_addr sample_addr(const char *text)
{
	struct sw_addr addr;

	if (!sw_addr_parse(text, &addr))
		abort();
	return addr;
}

struct sw_report_context sample_context(const struct sw_report *report)
{
	static const char *const command[] = {"/usr/bin/node", "app.js"};

	return (struct sw_report_context){
		.report = report,
		.version = "0.1.0",
		.slow_ns = SW_NS_PER_S,
		.settle_ns = 5 * SW_NS_PER_S,
		.linger_ns = SW_NS_PER_S,
		.host = {.name = "client", .kernel = "6.1.0", .netns = "net:[4026531840]"},
		.target = {.mode = SW_MODE_RUN,
			   .command = command,
			   .command_count = 2,
			   .pid = 15943,
			   .started_ns = SAMPLE_BASE - SW_NS_PER_S,
			   .ended_ns = SAMPLE_BASE + 5 * SW_NS_PER_S},
	};
}

struct sw_report sample_report(void)
{
	static struct sw_capture_status status;

	status = (struct sw_capture_status){.available = true,
					    .live = true,
					    .opened_ns = SAMPLE_BASE - SW_NS_PER_S,
					    .closed_ns = SAMPLE_BASE + 5 * SW_NS_PER_S,
					    .seen = 6,
					    .kept = 2,
					    .last_drop_ns = SW_TIME_NONE,
					    .interfaces = "any"};
	return (struct sw_report){
		.statuses = &status,
		.status_count = 1,
		.seen_enough = true,
		.complete = true,
		.calls = 9,
		.failed_calls = 5,
		.packets = 2,
		.sockets = 1,
		.began_ns = SAMPLE_BASE - SW_NS_PER_S,
		.ended_ns = SAMPLE_BASE + 5 * SW_NS_PER_S,
		.exit_known = true,
		.exit_code = 1,
	};
}

static struct sw_evidence evidence[] = {
	{.kind = SW_EVIDENCE_CALL,
	 .number = 7,
	 .time_ns = SAMPLE_BASE,
	 .text = "connect(18, 10.77.2.2:5433) = -1 EINPROGRESS"},
	{.kind = SW_EVIDENCE_PACKET,
	 .number = 1,
	 .time_ns = SAMPLE_BASE + 51000,
	 .way = SW_WAY_OUT,
	 .text = "> SYN                    10.77.1.2:38526 > 10.77.2.2:5433",
	 .proof = true},
	{.kind = SW_EVIDENCE_PACKET,
	 .number = 2,
	 .time_ns = SAMPLE_BASE + 112000,
	 .way = SW_WAY_IN,
	 .text = "< RST,ACK  ttl 63        10.77.2.2:5433 > 10.77.1.2:38526",
	 .proof = true},
	{.kind = SW_EVIDENCE_CALL,
	 .number = 9,
	 .time_ns = SAMPLE_BASE + 1412000,
	 .text = "getsockopt(18, SO_ERROR) = ECONNREFUSED"},
};

static struct sw_field facts[] = {
	{.name = "syns", .number = 5},
	{.name = "peer_ttl", .number = 63},
	{.name = "translated_by_kernel", .text = "none"},
	{.name = "cookie", .number = INT64_MAX},
};

static char *said[] = {"Error: connect ECONNREFUSED 10.77.2.2:5433", "\033[31mgiving up\033[0m"};

static struct sw_next next_steps[] = {
	{.where = "peer",
	 .command = "ss -ltnp 'sport = :5433'",
	 .text = "see whether anything listens there",
	 .expect = "one line; none: start the service"},
	{.where = "here", .command = "nc -vz 10.77.2.2 5433", .text = ""},
};

static struct sw_alternative ruled_out[] = {
	{.verdict = "syn-unanswered", .title = "silence", .because = "something answered"},
	{.verdict = "refused-by-icmp", .title = "an ICMP reject", .because = "no ICMP quotes the SYN"},
};

static struct sw_frame stack[] = {
	{.address = 0x55550041, .offset = 0x41, .object = "app", .function = "fetch", .file = "fetch.c", .line = 120},
	{.address = 0x55550141, .offset = 0x1b, .object = "app", .function = "main"},
	{.address = 0x7f000d90, .offset = 0x29d90, .object = "libc.so.6"},
	{.address = 0x1234},
};

static struct sw_occurrence occurrences[] = {
	{.began_ns = SAMPLE_BASE, .duration_ns = 1412000, .flow = 1, .call = 9, .outcome = SW_OUTCOME_FAILED},
	{.began_ns = SAMPLE_BASE + 4 * SW_NS_PER_S,
	 .duration_ns = 1312000,
	 .flow = 5,
	 .call = 45,
	 .outcome = SW_OUTCOME_FAILED},
};

struct sw_finding sample_refused(void)
{
	return (struct sw_finding){
		.id = 1,
		.fingerprint = "0123456789abcdef",
		.verdict = "refused-by-rst",
		.title = "a RST answered the SYN",
		.severity = SW_SEVERITY_FAILURE,
		.confidence = SW_CONFIDENCE_CERTAIN,
		.locus = SW_LOCUS_PEER_HOST,
		.count = 5,
		.summary = "connect to db.lab (10.77.2.2:5433) was refused 5 times: a RST answered each SYN",
		.cause = "a RST from 10.77.2.2 answered each SYN after 0.06 ms",
		.usually =
			SAMPLE_TEXTS("no process listens there", "a rejecting firewall", "a balancer without backends"),
		.meanwhile = SAMPLE_TEXTS("10.77.2.2:22 answered", "3 other hosts fine: host and path are up"),
		.began_ns = SAMPLE_BASE,
		.surfaced_ns = SAMPLE_BASE + 1412000,
		.ended_ns = SAMPLE_BASE + INT64_C(4101000000),
		.recovered_ns = SW_TIME_NONE,
		.lost_ns = 7000000,
		.symptom = {.operation = SW_OPERATION_CONNECT,
			    .call = "connect",
			    .reported_by = "getsockopt",
			    .error = ECONNREFUSED,
			    .outcome = SW_OUTCOME_FAILED,
			    .pid = 15943,
			    .tid = 15943,
			    .comm = "node",
			    .fd = 18,
			    .enter_ns = SAMPLE_BASE,
			    .exit_ns = SAMPLE_BASE + 1412000,
			    .duration_ns = 1412000,
			    .stack = stack,
			    .stack_count = SW_COUNT(stack)},
		.flow = {.id = 1,
			 .protocol = IPPROTO_TCP,
			 .local = sample_addr("10.77.1.2:38526"),
			 .remote = sample_addr("10.77.2.2:5433"),
			 .name = "db.lab",
			 .name_source = SW_NAME_HOSTS,
			 .origin = {.text = "db.lab in /etc/hosts", .ttl_s = -1, .age_ns = -1, .argument = true},
			 .initiator = true},
		.facts = facts,
		.fact_count = SW_COUNT(facts),
		.evidence = evidence,
		.evidence_count = SW_COUNT(evidence),
		.ruled_out = ruled_out,
		.ruled_out_count = SW_COUNT(ruled_out),
		.next = next_steps,
		.next_count = SW_COUNT(next_steps),
		.occurrences = occurrences,
		.occurrence_count = SW_COUNT(occurrences),
		.program = "exited 1, 16 ms after the last refusal",
		.said = {.count = SW_COUNT(said), .items = said},
	};
}

static struct sw_finding slow_lookup(void)
{
	struct sw_finding finding = sample_refused();

	finding.id = 2;
	finding.verdict = "dns-slow";
	finding.severity = SW_SEVERITY_SLOW;
	finding.confidence = SW_CONFIDENCE_LIKELY;
	finding.locus = SW_LOCUS_RESOLVER;
	finding.count = 1;
	finding.cause = "the answer came 1.5 s after the question, from the second server";
	finding.surfaced_ns = finding.ended_ns = SAMPLE_BASE + 1500000000;
	finding.next_count = 0;
	finding.symptom.operation = SW_OPERATION_LOOKUP;
	finding.symptom.error = 0;
	finding.symptom.outcome = SW_OUTCOME_SLOW;
	finding.symptom.duration_ns = 1500000000;
	finding.flow.remote = sample_addr("10.77.0.53:53");
	finding.flow.name = NULL;
	finding.flow.protocol = IPPROTO_UDP;
	return finding;
}

static const struct sw_report_context *refused(void)
{
	static struct sw_flow_summary flow;
	static struct sw_finding findings[4];
	static struct sw_report report;
	static struct sw_report_context context;
	static const struct sw_timeline_line timeline[] = {
		{.kind = SW_EVIDENCE_CALL,
		 .number = 7,
		 .time_ns = SAMPLE_BASE,
		 .tid = 15943,
		 .text = "connect(18, 10.77.2.2:5433) = -1 EINPROGRESS"},
		{.kind = SW_EVIDENCE_PACKET,
		 .number = 1,
		 .time_ns = SAMPLE_BASE + 51000,
		 .text = "> SYN 10.77.1.2:38526 > 10.77.2.2:5433 seq 2837465"},
	};

	report = sample_report();
	findings[0] = sample_refused();
	findings[1] = slow_lookup();
	findings[2] = findings[3] = sample_refused();
	findings[2].id = 3;
	findings[3].id = 4;
	findings[2].severity = findings[3].severity = SW_SEVERITY_NOTE;
	findings[3].recovered_ns = SAMPLE_BASE + 14 * SW_NS_PER_S;
	findings[3].recovered_by = "connect to 10.77.2.3:5433";
	flow = findings[0].flow;
	flow.packets_out = 5;
	flow.packets_in = 5;
	flow.rtt_ns = 61000;
	flow.state = "reset";
	flow.history = "Sr";
	report.findings = findings;
	report.finding_count = SW_COUNT(findings);
	report.flows = &flow;
	report.flow_count = 1;
	context = sample_context(&report);
	context.timeline = timeline;
	context.timeline_count = SW_COUNT(timeline);
	context.timeline_left_out = 3;
	return &context;
}

static const struct sw_report_context *clean(void)
{
	static struct sw_report report;
	static struct sw_report_context context;

	report = sample_report();
	report.exit_code = 0;
	report.calls = 31;
	report.sockets = 4;
	context = sample_context(&report);
	return &context;
}

/* The command failed, and its network is not why. */
static const struct sw_report_context *clean_but_failed(void)
{
	static struct sw_report report;
	static struct sw_report_context context;

	report = sample_report();
	report.exit_code = -1;
	report.exit_signal = 11;
	context = sample_context(&report);
	return &context;
}

/* `true`: no socket, so no capture was opened. */
static const struct sw_report_context *no_socket(void)
{
	static const char *const command[] = {"true"};
	static struct sw_report report;
	static struct sw_report_context context;

	report = sample_report();
	report.exit_code = 0;
	report.calls = report.sockets = report.packets = 0;
	report.status_count = 0;
	context = sample_context(&report);
	context.target.command = command;
	context.target.command_count = 1;
	return &context;
}

static const struct sw_report_context *blind(void)
{
	static struct sw_limit limit = {
		.what = "no right to capture packets (CAP_NET_RAW)",
		.costs = "verdicts rest on calls alone; sudo, or setcap cap_net_raw=ep on sockwhy, gives the rest"};
	static struct sw_report report;
	static struct sw_report_context context;
	static struct sw_capture_status status;

	report = sample_report();
	status = *report.statuses;
	status.available = false;
	status.why_not = "no right to capture";
	status.seen = status.kept = 0;
	status.interfaces = NULL;
	report.statuses = &status;
	report.seen_enough = report.complete = false;
	report.packets = 0;
	report.limits = &limit;
	report.limit_count = 1;
	context = sample_context(&report);
	return &context;
}

const struct report_sample report_samples[] = {
	{"refused", refused},
	{"clean", clean},
	{"clean-but-failed", clean_but_failed},
	{"no-socket", no_socket},
	{"blind", blind},
	{"hostile", sample_hostile},
	{"bare", sample_bare},
	{"explained", sample_explained},
	{"many", sample_many},
	{"slow", sample_slow},
};
const size_t report_sample_count = SW_COUNT(report_samples);
