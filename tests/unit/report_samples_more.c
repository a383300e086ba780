/* The unusual reports: hostile text, a finding of which nothing is known, an imported log, very many findings. */
#include "tests/unit/report_samples.h"

#include <errno.h>
#include <netinet/in.h>

#include "src/base/mem.h"

/* Everything that came from outside tries something: a terminal escape, a forged line, invalid UTF-8, reversed text. */
const struct sw_report_context *sample_hostile(void)
{
	static char evil[] = "evil\x1b[2J\x1b]0;x\x07\nFAILED  forged";
	static char broken[] = "caf\xc3\xa9 \xff\xc0\xaf\xed\xa0\x80 \xe2\x80\xae\xc2\x9b";
	static const char *const command[] = {"./a\x1b[0m\nb", "\xff"};
	static struct sw_evidence evidence[1];
	static struct sw_frame frame = {.function = "f\x1b[1m", .file = "\xfe.c", .line = 3};
	static struct sw_field fact = {.name = "path", .text = evil};
	static struct sw_next next_step = {.where = "here", .command = evil, .text = broken, .expect = evil};
	static struct sw_alternative other = {.verdict = "syn-unanswered", .because = evil};
	static struct sw_limit limit;
	static struct sw_finding finding;
	static struct sw_report report;
	static struct sw_report_context context;

	finding = sample_refused();
	finding.cause = evil;
	finding.summary = broken;
	finding.program = evil;
	finding.symptom.comm = evil;
	finding.symptom.pid_inside = 7;
	finding.symptom.stack = &frame;
	finding.symptom.stack_count = 1;
	finding.flow.name = broken;
	finding.usually = SAMPLE_TEXTS(evil, broken);
	finding.meanwhile = SAMPLE_TEXTS(broken);
	finding.not_observed = SAMPLE_TEXTS(evil);
	evidence[0] = (struct sw_evidence){.kind = SW_EVIDENCE_CALL, .number = 1, .time_ns = SAMPLE_BASE, .text = evil};
	finding.evidence = evidence;
	finding.evidence_count = 1;
	finding.facts = &fact;
	finding.fact_count = 1;
	finding.next = &next_step;
	finding.next_count = 1;
	finding.ruled_out = &other;
	finding.ruled_out_count = 1;
	limit = (struct sw_limit){.what = evil, .costs = broken};
	report = sample_report();
	report.findings = &finding;
	report.finding_count = 1;
	report.limits = &limit;
	report.limit_count = 1;
	context = sample_context(&report);
	context.target.command = command;
	context.host = (struct sw_report_host){.name = evil, .kernel = broken};
	return &context;
}

/* What a name server, a peer or a file name may hold. */
static char breaks_out[] =
	"</script><script>alert(1)</script><img src=x onerror=alert(2)> --> ]]> \" ' & <!-- \x1b[31m\n# forged";

/* All text of a report breaks out of pages and Markdown, if it is let. */
const struct sw_report_context *sample_evil(void)
{
	static struct sw_finding finding;
	static struct sw_flow_summary flow;
	static struct sw_evidence evidence[3];
	static struct sw_timeline_line line;
	static struct sw_report report;
	static struct sw_report_context context;
	static const char *const command[] = {breaks_out};

	context = *sample_hostile();
	report = *context.report;
	finding = report.findings[0];
	evidence[0] =
		(struct sw_evidence){.kind = SW_EVIDENCE_CALL, .number = 1, .time_ns = SAMPLE_BASE, .text = breaks_out};
	evidence[1] = (struct sw_evidence){
		.kind = SW_EVIDENCE_PACKET, .number = 2, .time_ns = SAMPLE_BASE, .way = SW_WAY_IN, .text = breaks_out};
	evidence[2] = (struct sw_evidence){
		.kind = SW_EVIDENCE_FACT, .number = 3, .time_ns = SW_TIME_NONE, .text = breaks_out};
	finding.evidence = evidence;
	finding.evidence_count = SW_COUNT(evidence);
	finding.verdict = breaks_out;
	finding.cause = finding.flow.name = finding.symptom.comm = breaks_out;
	flow = finding.flow;
	flow.state = flow.history = breaks_out;
	line = (struct sw_timeline_line){
		.kind = SW_EVIDENCE_CALL, .number = 1, .time_ns = SAMPLE_BASE, .comm = breaks_out, .text = breaks_out};
	report.findings = &finding;
	report.flows = &flow;
	report.flow_count = 1;
	context.report = &report;
	context.timeline = &line;
	context.timeline_count = 1;
	context.target.command = command;
	context.target.command_count = 1;
	context.version = breaks_out;
	return &context;
}

/* Next to nothing is known: every pointer NULL, every time unknown. */
const struct sw_report_context *sample_bare(void)
{
	static struct sw_finding finding;
	static struct sw_report report;
	static struct sw_report_context context;

	finding = (struct sw_finding){
		.id = 1,
		.verdict = "unexplained",
		.severity = SW_SEVERITY_FAILURE,
		.count = 1,
		.began_ns = SW_TIME_NONE,
		.surfaced_ns = SW_TIME_NONE,
		.ended_ns = SW_TIME_NONE,
		.recovered_ns = SW_TIME_NONE,
		.symptom = {.operation = SW_OPERATION_CALL,
			    .outcome = SW_OUTCOME_FAILED,
			    .fd = -1,
			    .enter_ns = SW_TIME_NONE,
			    .exit_ns = SW_TIME_NONE},
	};
	report = (struct sw_report){
		.findings = &finding, .finding_count = 1, .began_ns = SW_TIME_NONE, .ended_ns = SW_TIME_NONE};
	context = (struct sw_report_context){
		.report = &report,
		.target = {.mode = SW_MODE_EXPLAIN, .started_ns = SW_TIME_NONE, .ended_ns = SW_TIME_NONE}};
	return &context;
}

/* An imported log with relative stamps, and an application that lost patience. */
const struct sw_report_context *sample_explained(void)
{
	static const struct sw_report_input inputs[] = {
		{.file = "trace.strace", .kind = "strace", .records = 90, .unread = 2},
		{.file = "capture.pcap", .kind = "pcap", .records = 12},
	};
	static struct sw_alternative alternative = {.verdict = "peer-vanished", .confidence = SW_CONFIDENCE_POSSIBLE};
	static struct sw_capture_status status;
	static struct sw_finding finding;
	static struct sw_report report;
	static struct sw_report_context context;

	finding = sample_refused();
	finding.verdict = "peer-silent";
	finding.confidence = SW_CONFIDENCE_LIKELY;
	finding.locus = SW_LOCUS_PEER_APP;
	finding.count = 1;
	finding.cause =
		"the peer's kernel acknowledged the request of 312 bytes and no byte of an answer came in 5.0 s";
	finding.meanwhile = finding.usually = (struct sw_texts){0};
	finding.not_observed = SAMPLE_TEXTS("which process serves the connection on the peer");
	finding.surfaced_ns = finding.ended_ns = SAMPLE_BASE + 5 * SW_NS_PER_S;
	finding.recovered_ns = SAMPLE_BASE + 12 * SW_NS_PER_S;
	finding.recovered_by = "the same request on a new connection";
	finding.said_verdict = "peer-vanished";
	finding.said_severity = SW_SEVERITY_FAILURE;
	finding.said_ns = SAMPLE_BASE + 11 * SW_NS_PER_S;
	finding.lost_calls = 3;
	finding.lost_bytes = 1200;
	finding.alternatives = &alternative;
	finding.alternative_count = 1;
	finding.flow.translated = sample_addr("10.9.9.9:80");
	finding.symptom.operation = SW_OPERATION_ANSWER;
	finding.symptom.outcome = SW_OUTCOME_GAVE_UP;
	finding.symptom.error = 0;
	finding.symptom.duration_ns = 5 * SW_NS_PER_S;
	finding.symptom.time_ns[SW_PART_PEER_APPLICATION] = INT64_C(4700000000);
	finding.symptom.time_ns[SW_PART_ROUND_TRIP] = INT64_C(300000000);
	finding.symptom.time_ns[SW_PART_LOSS] = 1000;
	finding.symptom.deadline = (struct sw_deadline){.present = true,
							.whose = "application",
							.what = "poll",
							.value_ns = 5 * SW_NS_PER_S,
							.after_ns = 5 * SW_NS_PER_S,
							.kernel_would_ns = 127 * SW_NS_PER_S,
							.count = -1};
	report = sample_report();
	status = *report.statuses;
	status.dropped = -1;
	status.live = false;
	status.interfaces = "eth0";
	report.statuses = &status;
	report.complete = false;
	report.findings = &finding;
	report.finding_count = 1;
	report.exit_known = false;
	context = sample_context(&report);
	context.target.mode = SW_MODE_EXPLAIN;
	context.inputs = inputs;
	context.input_count = SW_COUNT(inputs);
	context.clock = (struct sw_report_clock){
		.base = "relative", .offset_ns = SAMPLE_BASE, .error_ns = 600000, .aligned = "estimated", .pairs = 4};
	return &context;
}

/* Sixteen failures of as many operations: only the first few are told at length. */
const struct sw_report_context *sample_many(void)
{
	static struct sw_finding findings[16];
	static struct sw_report report;
	static struct sw_report_context context;

	for (size_t i = 0; i < SW_COUNT(findings); i++) {
		findings[i] = sample_refused();
		findings[i].id = (uint32_t)i + 1;
		findings[i].caused_by = i == 1 ? 1 : 0;
		findings[i].count = 1;
		findings[i].flow.name = NULL;
		findings[i].symptom.operation = SW_OPERATION_CONNECT + (enum sw_operation)(i % 9);
		findings[i].symptom.outcome = SW_OUTCOME_FAILED + (enum sw_outcome)(i % 8);
		findings[i].symptom.call = i % 9 == 8 ? "bind" : "recvfrom";
	}
	report = sample_report();
	report.findings = findings;
	report.finding_count = SW_COUNT(findings);
	context = sample_context(&report);
	return &context;
}

/* Nine slow operations of one cause, each with its parts: a table that keeps to the page and leaves out what is small. */
const struct sw_report_context *sample_slow(void)
{
	static struct sw_occurrence occurrences[8];
	static struct sw_finding finding;
	static struct sw_report report;
	static struct sw_report_context context;

	for (size_t i = 0; i < SW_COUNT(occurrences); i++) {
		struct sw_occurrence *one = &occurrences[i];

		*one = (struct sw_occurrence){.began_ns = SAMPLE_BASE + (int64_t)i * 700 * SW_NS_PER_S,
					      .duration_ns = (int64_t)(2 + 60 * i) * SW_NS_PER_S,
					      .flow = 1,
					      .outcome = SW_OUTCOME_SLOW};
		one->time_ns[SW_PART_DATA_WAITING] = one->duration_ns / 10;
		one->time_ns[SW_PART_SEND_BUFFER] = one->duration_ns / 9;
		one->time_ns[SW_PART_LOSS] = i == 4 ? one->duration_ns / 2 : 0;
		one->time_ns[SW_PART_ROUND_TRIP] = one->duration_ns / 8;
		one->time_ns[SW_PART_PEER_APPLICATION] = one->duration_ns - one->time_ns[SW_PART_DATA_WAITING] -
							 one->time_ns[SW_PART_SEND_BUFFER] -
							 one->time_ns[SW_PART_LOSS] - one->time_ns[SW_PART_ROUND_TRIP];
	}
	finding = sample_refused();
	finding.verdict = "peer-slow";
	finding.severity = SW_SEVERITY_SLOW;
	finding.locus = SW_LOCUS_PEER_APP;
	finding.count = 9;
	finding.symptom.operation = SW_OPERATION_ANSWER;
	finding.symptom.outcome = SW_OUTCOME_SLOW;
	finding.symptom.error = 0;
	finding.occurrences = occurrences;
	finding.occurrence_count = SW_COUNT(occurrences);
	report = sample_report();
	report.findings = &finding;
	report.finding_count = 1;
	context = sample_context(&report);
	return &context;
}
