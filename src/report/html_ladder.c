/* The ladder of a finding as SVG: the program's calls as bars on the left, the wire of this host in the middle, the peer on the
 * right, each packet an arrow. Drawn here, so that it is there without JavaScript; the script only moves the rows (data-at,
 * data-end: nanoseconds since the first row). No style attribute: the page's policy would refuse it. */
#include "src/report/html_ladder.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/clean.h"
#include "src/report/headline.h"
#include "src/report/html.h"
#include "src/report/html_out.h"
#include "src/report/words.h"

#define WIDTH 1000
#define TIME_X 84 /* right end of the times */
#define LABEL_X 100 /* of calls */
#define BAR_X 424
#define LANE 15
#define BAR 11
#define WIRE_X 540
#define PEER_X 960
#define MIDDLE_X 750 /* a router, a neighbour: somewhere on the path */
#define LOST_X 830 /* where an arrow ends that nothing answered */
#define CALL_LABEL 44 /* characters */
#define PACKET_LABEL 54
#define FACT_LABEL 68 /* where there are no packets */
#define NAME_LABEL 34
#define LABEL_GAP 14 /* between the wire and a label */

/* Cleaned, and cut at a character with an ellipsis. The caller frees. */
static char *clip(const char *text, size_t most)
{
	char *clean = sw_clean_terminal(text);
	size_t columns = 0;

	if (sw_clean_columns(clean) <= most)
		return clean;
	for (char *c = clean; *c; c++) {
		if (((unsigned char)*c & 0xc0) == 0x80 || ++columns < most)
			continue;
		char *cut = sw_format("%.*s\xe2\x80\xa6", (int)(c - clean), clean);

		free(clean);
		return cut;
	}
	return clean;
}

/* A call's result says more than the end of its arguments. The caller frees. */
static char *clip_call(const char *text, size_t most)
{
	const char *result = NULL;

	for (const char *at = text; at && (at = strstr(at, " = ")); at += 3)
		result = at;
	if (!result || sw_clean_columns(text) <= most || sw_clean_columns(result) >= most / 2)
		return clip(text, most);

	sw_auto_free char *head = sw_strndup(text, (size_t)(result - text));
	sw_auto_free char *begin = clip(head, most - sw_clean_columns(result));
	sw_auto_free char *end = clip(result, most);

	return sw_format("%s%s", begin, end);
}

static void put_clipped(FILE *out, const char *text, size_t most)
{
	sw_auto_free char *shown = clip(text, most);

	sw_html_text(out, shown);
}

/* What the packet is, without the ends, which the columns name: "> SYN      10.0.0.1:4 > 10.0.0.2:80" gives "SYN". */
static char *packet_label(const char *text)
{
	if (!text)
		return sw_strdup("");
	if (*text && strchr("<>-", *text) && text[1] == ' ')
		text += 2;
	const char *arrow = strstr(text, " > "), *quoting = strstr(text, " quoting ");

	if (quoting) /* the columns say what */
		return sw_strndup(text, (size_t)(quoting - text));
	if (!arrow)
		return sw_strdup(text);
	while (arrow > text && arrow[-1] != ' ')
		arrow--;
	while (arrow > text && arrow[-1] == ' ')
		arrow--;
	return sw_strndup(text, (size_t)(arrow - text));
}

static const char *packet_class(const struct sw_evidence *one, const char *label)
{
	if (strncmp(label, "RST", 3) == 0)
		return "reset";
	if (strncmp(label, "ICMP", 4) == 0)
		return "icmp";
	return one->way == SW_WAY_OUT ? "sent" : "received";
}

/* Whether the other end of this arrow is the peer; else something on the path, or a neighbour. */
static bool at_peer(const struct sw_evidence *one, const struct sw_flow_summary *flow)
{
	if (one->way == SW_WAY_OUT)
		return strstr(one->text ? one->text : "", "who has") == NULL;
	if (!one->from.ip.family || !flow->remote.present)
		return strstr(one->text ? one->text : "", " is at ") == NULL;
	return sw_ip_equal(&one->from.ip, &flow->remote.endpoint.ip) ||
	       (flow->translated.present && sw_ip_equal(&one->from.ip, &flow->translated.endpoint.ip));
}

/* A label stands where its arrow leaves the wire, above it, or meets it, below it: there arrows do not cross, and run away from the text. */
static void put_label_begin(bool peer, bool in, double slope, FILE *out)
{
	double share = (double)LABEL_GAP / (PEER_X - WIRE_X);

	if (in || !peer)
		fprintf(out, "<text class=\"label below\" x=\"%d\" y=\"%.1f\">", WIRE_X + LABEL_GAP,
			in ? 10.5 : slope + 9);
	else
		fprintf(out, "<text class=\"label\" x=\"%d\" y=\"%.1f\" data-share=\"%.3f\">", WIRE_X + LABEL_GAP,
			slope * share - 4, share);
}

static void put_arrow(const struct sw_ladder_row *row, const struct sw_flow_summary *flow, FILE *out)
{
	const struct sw_evidence *one = row->evidence;
	sw_auto_free char *label = packet_label(one->text);
	bool peer = at_peer(one, flow), in = one->way == SW_WAY_IN;
	bool lost = one->fate == SW_FATE_UNANSWERED || one->fate == SW_FATE_SENT_AGAIN;
	int far = !peer ? MIDDLE_X : lost ? LOST_X : PEER_X;
	double slope = lost ? row->slope * (far - WIRE_X) / (PEER_X - WIRE_X) : row->slope;

	fprintf(out, "<g class=\"packet %s%s%s\">", packet_class(one, label), lost ? " lost" : "",
		one->again ? " again" : "");
	fprintf(out, "<line class=\"arrow\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>", in ? far : WIRE_X,
		in ? -slope : 0.0, in ? WIRE_X : far, in ? 0.0 : slope);
	if (one->way != SW_WAY_UNKNOWN)
		fprintf(out, "<path class=\"head\" d=\"%s\" transform=\"translate(%d %.1f)\"/>",
			in ? "M0 0l10-4.5v9z" : "M0 0l-10-4.5v9z", in ? WIRE_X : far, in ? 0.0 : slope);
	if (!peer)
		fprintf(out, "<circle class=\"middle\" cx=\"%d\" cy=\"%.1f\" r=\"4\"/>", MIDDLE_X, in ? -slope : slope);
	if (lost)
		fprintf(out, "<text class=\"fate\" x=\"%d\" y=\"%.1f\">%s</text>", far + 8, slope + 5,
			one->fate == SW_FATE_UNANSWERED ? "?" : "\xc3\x97");
	put_label_begin(peer, in, slope, out);
	put_clipped(out, label, PACKET_LABEL);
	if (one->again)
		fputs(", again", out);
	fputs("</text></g>", out);
}

/* What the call said, also in another way than by errno: "getsockopt(3, SO_ERROR) = ECONNREFUSED". "Not yet" is no failure. */
static bool call_failed(const struct sw_evidence *one)
{
	static const char *const harmless[] = {"EINPROGRESS", "EAGAIN", "EALREADY", "EINTR"};
	const char *result = NULL;

	for (const char *at = one->text; at && (at = strstr(at, " = ")); at += 3)
		result = at + 3;
	if (!result)
		return one->error != 0;
	result += strncmp(result, "-1 ", 3) == 0 ? 3 : 0;
	for (size_t i = 0; i < SW_COUNT(harmless); i++)
		if (strncmp(result, harmless[i], strlen(harmless[i])) == 0)
			return false;
	return one->error != 0 || (result[0] == 'E' && result[1] >= 'A' && result[1] <= 'Z');
}

static void put_call(const struct sw_ladder_row *row, FILE *out)
{
	const struct sw_evidence *one = row->evidence;
	bool inside = one->exit_ns == SW_TIME_NONE;

	fprintf(out, "<g class=\"call%s%s\"><text class=\"label\" x=\"%d\" y=\"4\">", call_failed(one) ? " failed" : "",
		inside ? " inside" : "", LABEL_X);
	sw_auto_free char *shown = clip_call(one->text, CALL_LABEL);
	sw_html_text(out, shown);
	fprintf(out, "</text><rect class=\"bar\" x=\"%u\" y=\"0\" width=\"%d\" height=\"%.1f\" rx=\"2\"/></g>",
		BAR_X + row->lane * LANE, BAR, row->height);
}

/* Where there are no packets the place of the wire is free. */
static void put_fact(const struct sw_ladder_row *row, bool alone, FILE *out)
{
	fprintf(out, "<g class=\"fact\"><path d=\"M%d 0l5-5 5 5-5 5z\"/><text class=\"label\" x=\"%d\" y=\"4\">", BAR_X,
		alone ? WIRE_X - 40 : LABEL_X);
	put_clipped(out, row->evidence->text, alone ? FACT_LABEL : CALL_LABEL);
	fputs("</text></g>", out);
}

/* What a pointer that rests on the row shows. */
static void put_hint(const struct sw_ladder_row *row, FILE *out)
{
	const struct sw_evidence *one = row->evidence;
	sw_auto_free char *number = sw_record_number_text(one->kind, one->number, one->input);
	char duration[32];

	fputs("<title>", out);
	if (number)
		fprintf(out, "%s ", number);
	sw_html_text(out, one->text);
	if (one->kind == SW_EVIDENCE_CALL && row->end_ns > row->at_ns && one->exit_ns != SW_TIME_NONE)
		fprintf(out, ", took %s", sw_duration_text(row->end_ns - row->at_ns, duration));
	if (one->kind == SW_EVIDENCE_CALL && one->exit_ns == SW_TIME_NONE)
		fputs(", did not return", out);
	if (one->fate == SW_FATE_UNANSWERED)
		fputs(", no answer was seen", out);
	if (one->fate == SW_FATE_SENT_AGAIN)
		fputs(", sent again before anything acknowledged it", out);
	fputs("</title>", out);
}

/* Below everything else: a later row must not cover the bar of an earlier call. */
static void put_grounds(const struct sw_ladder *ladder, FILE *out)
{
	for (size_t i = 0; i < ladder->row_count; i++)
		fprintf(out,
			"<rect class=\"ground%s\" x=\"2\" y=\"-12\" width=\"%d\" height=\"24\" rx=\"3\" "
			"transform=\"translate(0 %.1f)\"/>",
			ladder->rows[i].evidence->proof ? " proof" : "", WIDTH - 4, ladder->rows[i].y);
}

static void put_row(const struct sw_ladder *ladder, size_t index, const struct sw_flow_summary *flow, FILE *out)
{
	const struct sw_ladder_row *row = &ladder->rows[index];
	const struct sw_evidence *one = row->evidence;
	char time[48];

	fprintf(out, "<g class=\"row%s\" data-row=\"%zu\" data-at=\"%" PRId64 "\" data-end=\"%" PRId64 "\" ",
		one->proof ? " proof" : "", index, row->at_ns, row->end_ns);
	fprintf(out, "transform=\"translate(0 %.1f)\">", row->y);
	put_hint(row, out);
	/* Where the pointer finds the row; the lanes stay free for the bars, which are longer than their rows. */
	fprintf(out, "<rect class=\"area\" x=\"%d\" y=\"-12\" width=\"%d\" height=\"24\"/>",
		one->kind == SW_EVIDENCE_PACKET ? WIRE_X - 20 : 2,
		one->kind == SW_EVIDENCE_PACKET ? WIDTH - WIRE_X + 18 : BAR_X - 6);
	fprintf(out, "<text class=\"time\" x=\"%d\" y=\"4\">%s</text>", TIME_X,
		one->time_ns == SW_TIME_NONE ? "?" : sw_relative_text(one->time_ns, ladder->base_ns, time));
	if (one->kind == SW_EVIDENCE_PACKET)
		put_arrow(row, flow, out);
	else if (one->kind == SW_EVIDENCE_CALL)
		put_call(row, out);
	else
		put_fact(row, ladder->packet_count == 0, out);
	fputs("</g>\n", out);
}

static void put_name(FILE *out, int x, int y, const char *class, const char *text)
{
	fprintf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
	put_clipped(out, text, NAME_LABEL);
	fputs("</text>", out);
}

static void put_columns(const struct sw_ladder *ladder, const struct sw_finding *finding, FILE *out)
{
	const struct sw_flow_summary *flow = &finding->flow;
	sw_auto_free char *process = sw_process_text(&finding->symptom);
	bool is_lookup = finding->symptom.operation == SW_OPERATION_LOOKUP;
	const char *peer = sw_peer_name(finding);
	char end[SW_ADDR_TEXT];

	put_name(out, BAR_X + BAR, 20, "column end", process ? process : "program");
	put_name(out, BAR_X + BAR, 38, "end", "calls");
	for (unsigned lane = 0; lane < (ladder->lane_count ? ladder->lane_count : 1); lane++)
		fprintf(out, "<line class=\"lane\" x1=\"%u\" y1=\"52\" x2=\"%u\" y2=\"%.1f\"/>",
			BAR_X + lane * LANE + BAR / 2, BAR_X + lane * LANE + BAR / 2, ladder->height - 6);
	if (ladder->packet_count == 0) {
		put_name(out, MIDDLE_X, 38, "none",
			 flow->protocol ? "no packet of it was seen" : "no packets are involved");
		return;
	}
	put_name(out, WIRE_X - 62, 20, "column", "this host's wire");
	put_name(out, WIRE_X - 62, 38, "", flow->local.present ? sw_addr_text(&flow->local, end) : "");
	put_name(out, WIDTH - 8, 20, "column end", peer ? peer : is_lookup ? "name server" : "peer");
	put_name(out, WIDTH - 8, 38, "end", flow->remote.present ? sw_addr_text(&flow->remote, end) : "");
	fprintf(out, "<line class=\"wire\" x1=\"%d\" y1=\"48\" x2=\"%d\" y2=\"%.1f\"/>", WIRE_X, WIRE_X,
		ladder->height - 6);
	fprintf(out, "<line class=\"peer\" x1=\"%d\" y1=\"48\" x2=\"%d\" y2=\"%.1f\"/>\n", PEER_X, PEER_X,
		ladder->height - 6);
}

static void put_pauses(const struct sw_ladder *ladder, FILE *out)
{
	char duration[32];

	for (size_t i = 0; i < ladder->pause_count; i++) {
		double y = ladder->pauses[i].y;

		fprintf(out,
			"<g class=\"pause\"><path d=\"M%d %.1fl8 -4 -8 -4 8 -4\"/><text class=\"time\" x=\"%d\" y=\"%.1f\">%s</text></g>",
			(ladder->packet_count ? WIRE_X : BAR_X + BAR / 2) - 4, y + 6, TIME_X, y + 4,
			sw_duration_text(ladder->pauses[i].ns, duration));
	}
}

static void put_description(const struct sw_ladder *ladder, const struct sw_finding *finding, FILE *out)
{
	sw_auto_free char *headline = sw_headline_short(finding);
	char calls[64], packets[64], span[32];

	fprintf(out, "<title id=\"ladder-%u-title\">Ladder of calls and packets: ", finding->id);
	sw_html_text(out, headline);
	fprintf(out,
		"</title><desc id=\"ladder-%u-text\">%s and %s within %s, from top to bottom in the order of cause. ",
		finding->id, sw_count_text((int64_t)ladder->call_count, "call", calls),
		sw_count_text((int64_t)ladder->packet_count, "packet", packets),
		sw_duration_text(ladder->span_ns, span));
	sw_html_text(out, sw_cause_text(finding));
	fputs(". The table below says the same line by line.</desc>\n", out);
}

static void put_caption(const struct sw_ladder *ladder, FILE *out)
{
	char one_way[32];

	fputs("<p class=\"legend\"><span class=\"key proof\">proves it</span>", out);
	if (ladder->packet_count > 0)
		fputs("<span class=\"key sent\">sent</span><span class=\"key received\">received</span>"
		      "<span class=\"key reset\">reset</span><span class=\"key icmp\">ICMP</span>"
		      "<span class=\"key lost\">? no answer seen, \xc3\x97 sent again first</span>",
		      out);
	fputs(" Time runs down, in seconds; long times are drawn short.", out);
	if (ladder->packet_count > 0 && ladder->one_way_ns > 0)
		fprintf(out, " Arrows slope by half the least round trip (%s).",
			sw_duration_text(ladder->one_way_ns, one_way));
	else if (ladder->packet_count > 0)
		fputs(" No round trip was measured: the slope only shows the direction.", out);
	fputs("</p>\n", out);
}

void sw_html_ladder(const struct sw_report_context *context, const struct sw_finding *finding, FILE *out)
{
	sw_auto_free struct sw_ladder *ladder = sw_alloc(sizeof *ladder);

	(void)context;
	if (finding->evidence_count == 0)
		return;
	sw_ladder_plan(ladder, finding);
	fprintf(out, "<figure class=\"ladder\" id=\"ladder-%u\">\n<h4>What happened</h4>\n", finding->id);
	fputs("<div class=\"scroll drawing\" tabindex=\"0\" role=\"group\" aria-label=\"Ladder of calls and packets\">\n",
	      out);
	fprintf(out,
		"<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"ladder-%u-title\" aria-describedby=\"ladder-%u-text\" ",
		WIDTH, ladder->height, finding->id, finding->id);
	fprintf(out, "data-one-way=\"%" PRId64 "\" data-span=\"%" PRId64 "\">\n", ladder->one_way_ns, ladder->span_ns);
	put_description(ladder, finding, out);
	put_grounds(ladder, out);
	put_columns(ladder, finding, out);
	put_pauses(ladder, out);
	for (size_t i = 0; i < ladder->row_count; i++)
		put_row(ladder, i, &finding->flow, out);
	fputs("</svg>\n</div>\n", out);
	put_caption(ladder, out);
	sw_html_evidence(finding, out);
	fputs("</figure>\n", out);
}
