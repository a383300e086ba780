/* One line of strace's text, taken apart: see the header. The forms are those of strace 4.0 to 6.x. */
#include "tracer/strace/strace_line.h"

/* Beyond these it is no time that anybody recorded; sums of them stay far from overflow. */
#define STAMP_LIMIT_S INT64_C(4000000000)
#define SPAN_LIMIT_S INT64_C(100000000)

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool word_byte(char c)
{
	return digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

static void skip_blanks(struct span *rest)
{
	while (rest->at < rest->end && (*rest->at == ' ' || *rest->at == '\t'))
		rest->at++;
}

/* Digits only; false when there is none or the number is absurd. */
static bool take_digits(struct span *rest, int64_t *number, int *digits)
{
	int64_t value = 0;
	int count = 0;

	for (; rest->at < rest->end && digit(*rest->at) && count < 18; rest->at++, count++)
		value = value * 10 + (*rest->at - '0');
	*number = value;
	*digits = count;
	return count > 0;
}

/* ---- who ------------------------------------------------------------------------------------------------------ */

/* -Y writes the name behind the number: 123<curl>. */
static void skip_comm(struct span *rest)
{
	const char *close;

	if (span_empty(*rest) || *rest->at != '<')
		return;
	close = memchr(rest->at, '>', span_length(*rest));
	if (close)
		rest->at = close + 1;
}

static void take_pid_bracket(struct span *rest, struct line *line)
{
	struct span at = {rest->at + 4, rest->end};
	int64_t pid;
	int digits;

	skip_blanks(&at);
	if (!take_digits(&at, &pid, &digits) || pid > UINT32_MAX)
		return;
	skip_comm(&at);
	if (span_empty(at) || *at.at != ']')
		return;
	at.at++;
	skip_blanks(&at);
	line->pid = (uint32_t)pid;
	*rest = at;
}

/* A bare number before the stamp or the call. Numbers above any pid are stamps (--timestamps=unix,s), and so is one with a fraction. */
#define PID_LIMIT (INT64_C(1) << 22)

static void take_pid(struct span *rest, struct line *line)
{
	struct span at = *rest;
	int64_t pid;
	int digits;

	if (SPAN_STARTS(at, "[pid ")) {
		take_pid_bracket(rest, line);
		return;
	}
	if (!take_digits(&at, &pid, &digits) || pid > PID_LIMIT || pid == 0)
		return;
	skip_comm(&at);
	if (span_empty(at) || (*at.at != ' ' && *at.at != '\t'))
		return;
	skip_blanks(&at);
	line->pid = (uint32_t)pid;
	*rest = at;
}

/* ---- when ----------------------------------------------------------------------------------------------------- */

static int64_t take_fraction(struct span *rest, int64_t *resolution_ns)
{
	static const int64_t scales[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
	int64_t fraction;
	int digits;

	*resolution_ns = SW_NS_PER_S;
	if (span_empty(*rest) || *rest->at != '.')
		return 0;
	rest->at++;
	if (!take_digits(rest, &fraction, &digits) || digits > 9)
		return 0;
	*resolution_ns = scales[digits];
	return fraction * scales[digits];
}

static bool two_digits(struct span *rest, int64_t *number)
{
	int digits;

	if (span_empty(*rest) || *rest->at != ':')
		return false;
	rest->at++;
	return take_digits(rest, number, &digits) && digits == 2 && *number < 61;
}

/* "20:58:10.877331", "1795381090.877331", "1795381090", "0.000123". */
static bool take_stamp(struct span *rest, struct line *line)
{
	struct span at = *rest;
	int64_t whole, minutes, seconds;
	bool colon;
	int digits;

	skip_blanks(&at);
	if (!take_digits(&at, &whole, &digits) || span_empty(at))
		return false;
	colon = *at.at == ':';
	if (colon) {
		if (digits != 2 || whole > 23 || !two_digits(&at, &minutes) || !two_digits(&at, &seconds))
			return false;
		whole = (whole * 60 + minutes) * 60 + seconds;
	} else if (*at.at != '.' && digits < 9) {
		return false;
	}
	if (whole > (digits >= 9 ? STAMP_LIMIT_S : SPAN_LIMIT_S))
		return false;
	line->stamp_ns = whole * SW_NS_PER_S + take_fraction(&at, &line->resolution_ns);
	if (span_empty(at) || (*at.at != ' ' && *at.at != '\t'))
		return false;
	line->clock = colon       ? SW_STRACE_CLOCK_TIME_OF_DAY :
		      digits >= 9 ? SW_STRACE_CLOCK_EPOCH :
				    SW_STRACE_CLOCK_RELATIVE;
	skip_blanks(&at);
	*rest = at;
	return true;
}

/* -r beside -t: "20:58:10 (+     0.000123) ". */
static void skip_relative(struct span *rest)
{
	const char *close;

	if (!SPAN_STARTS(*rest, "(+ "))
		return;
	close = memchr(rest->at, ')', span_length(*rest));
	if (close) {
		rest->at = close + 1;
		skip_blanks(rest);
	}
}

/* -i writes where the program stands, -n the call's number, --secontext what the process may do: "[00007f5c0e3a1b27] ", "[  42] ",
 * "[user_u:user_r:user_t:s0] ". */
static void skip_bracket(struct span *rest)
{
	const char *at = rest->at + 1;

	if (span_empty(*rest) || *rest->at != '[')
		return;
	while (at < rest->end && (word_byte(*at) || strchr(" ?:.,-", *at)))
		at++;
	if (at == rest->at + 1 || rest->end - at < 2 || at[0] != ']' || at[1] != ' ')
		return;
	rest->at = at + 1;
	skip_blanks(rest);
}

/* ---- what ----------------------------------------------------------------------------------------------------- */

/* "<0.000123>" at the end, which -T adds. */
static void take_duration(struct span *result, struct line *line)
{
	struct span at;
	const char *open;
	int64_t whole, resolution;
	int digits;

	line->duration_ns = -1;
	if (span_length(*result) < 3 || result->end[-1] != '>')
		return;
	open = memrchr(result->at, '<', span_length(*result));
	if (!open || (open > result->at && open[-1] != ' '))
		return;
	at = (struct span){open + 1, result->end - 1};
	if (!take_digits(&at, &whole, &digits) || whole > SPAN_LIMIT_S)
		return;
	whole = whole * SW_NS_PER_S + take_fraction(&at, &resolution);
	if (!span_empty(at))
		return;
	line->duration_ns = whole;
	*result = span_trim((struct span){result->at, open});
}

static bool take_result(struct span rest, struct line *line)
{
	skip_blanks(&rest);
	if (span_empty(rest) || *rest.at != '=')
		return false;
	rest.at++;
	skip_blanks(&rest);
	line->result = span_trim(rest);
	take_duration(&line->result, line);
	return !span_empty(line->result);
}

static bool ends_with(struct span span, const char *word, size_t length)
{
	return span_length(span) >= length && memcmp(span.end - length, word, length) == 0;
}
#define ENDS_WITH(span, word) ends_with((span), (word), sizeof(word) - 1)

static void cut_end(struct span *span, size_t length)
{
	span->end -= length;
	*span = span_trim(*span);
}

/* Up to the closing bracket, or the end; the arguments on the way. */
static const char *take_arguments(struct span rest, struct line *line)
{
	const char *at = rest.at, *end = at;

	line->part_count = 0;
	while (line->part_count < ARGUMENTS_MAX && at < rest.end) {
		end = scan_until(at, rest.end, ',');
		if (end == at && line->part_count == 0)
			return end;
		line->parts[line->part_count++] = span_trim((struct span){at, end});
		if (end == rest.end || *end != ',')
			return end;
		at = end + 1;
	}
	return scan_until(at, rest.end, '\0');
}

/* Behind "name(" or "resumed>": the arguments, then the result. */
static void parse_call(struct span rest, struct line *line, enum line_kind whole)
{
	const char *close;

	if (ENDS_WITH(rest, "<unfinished ...>")) {
		cut_end(&rest, sizeof("<unfinished ...>") - 1);
		line->arguments = rest;
		line->kind = LINE_UNFINISHED;
		return;
	}
	if (ENDS_WITH(rest, "<detached ...>")) {
		cut_end(&rest, sizeof("<detached ...>") - 1);
		line->arguments = rest;
		line->kind = LINE_UNFINISHED;
		return;
	}
	close = take_arguments(rest, line);
	line->arguments = (struct span){rest.at, close};
	line->kind = close < rest.end && *close == ')' && take_result((struct span){close + 1, rest.end}, line) ?
			     whole :
			     LINE_OPEN;
}

/* "<... read resumed>...", "<... resumed> ..." of old ones. */
static void parse_resumed(struct span body, struct line *line)
{
	struct span rest = {body.at + 5, body.end};
	const char *end = rest.at;

	while (end < rest.end && word_byte(*end))
		end++;
	line->name = (struct span){rest.at, end};
	if (span_length(line->name) == 7 && memcmp(line->name.at, "resumed", 7) == 0)
		line->name.end = line->name.at;
	rest = span_after(body, "resumed>");
	if (span_empty(rest))
		return;
	if (*rest.at == ' ')
		rest.at++;
	parse_call(rest, line, LINE_RESUMED);
	if (line->kind == LINE_UNFINISHED)
		line->kind = LINE_EMPTY;
}

static void parse_marks(struct span body, struct line *line)
{
	struct span rest = {body.at + 4, body.end};
	int digits;

	if (SPAN_STARTS(body, "+++ exited with ")) {
		rest.at = body.at + 16;
		line->kind = take_digits(&rest, &line->number, &digits) ? LINE_EXITED : LINE_UNREAD;
	} else if (SPAN_STARTS(body, "+++ killed by ")) {
		rest.at = body.at + 14;
		line->kind = LINE_KILLED;
	} else if (SPAN_STARTS(body, "+++ superseded by execve in pid ")) {
		rest.at = body.at + 32;
		line->kind = take_digits(&rest, &line->number, &digits) ? LINE_SUPERSEDED : LINE_UNREAD;
	} else if (SPAN_STARTS(body, "--- SIG")) {
		line->kind = LINE_SIGNAL;
	} else if (SPAN_STARTS(body, "--- ") || SPAN_STARTS(body, "+++ ")) {
		line->kind = LINE_EMPTY;
	}
	line->name = (struct span){rest.at, rest.at};
	while (line->name.end < rest.end && word_byte(*line->name.end))
		line->name.end++;
	line->arguments = (struct span){line->name.end, rest.end};
}

/* -e read=, -e write=: what was moved, in hexadecimal. */
static bool is_dump(struct span body)
{
	return (SPAN_STARTS(body, "| ") && span_length(body) > 9 && digit(body.at[2]) && body.at[7] == ' ' &&
		body.at[8] == ' ') ||
	       (SPAN_STARTS(body, "* ") && !span_empty(span_after(body, " bytes in buffer "))) ||
	       (SPAN_STARTS(body, "= ") && !span_empty(span_after(body, " buffers in vector ")));
}

static bool parse_note(struct span body, struct line *line)
{
	struct span rest = SPAN_STARTS(body, "strace: ") ? (struct span){body.at + 8, body.end} : body;
	int digits;

	if (SPAN_STARTS(rest, "Process ")) {
		rest.at += 8;
		line->kind = take_digits(&rest, &line->number, &digits) && !span_empty(span_after(rest, "attached")) ?
				     LINE_ATTACHED :
				     LINE_EMPTY;
		/* "attached" ends the line, so that nothing is behind it. */
		if (line->kind == LINE_EMPTY && ENDS_WITH(rest, "attached"))
			line->kind = LINE_ATTACHED;
		return true;
	}
	if (rest.at != body.at || SPAN_STARTS(body, "[ Process PID=") || is_dump(body)) {
		line->kind = LINE_EMPTY;
		return true;
	}
	return false;
}

void line_parse_body(struct span body, struct line *line)
{
	const char *end = body.at;

	line->kind = LINE_UNREAD;
	line->duration_ns = -1;
	if (span_empty(body)) {
		line->kind = LINE_EMPTY;
		return;
	}
	while (end < body.end && word_byte(*end))
		end++;
	if (end > body.at && end < body.end && *end == '(' && !digit(*body.at)) {
		line->name = (struct span){body.at, end};
		parse_call((struct span){end + 1, body.end}, line, LINE_CALL);
		return;
	}
	if (SPAN_STARTS(body, "<... "))
		parse_resumed(body, line);
	else if (SPAN_STARTS(body, "+++ ") || SPAN_STARTS(body, "--- "))
		parse_marks(body, line);
	else if (SPAN_STARTS(body, "> "))
		line->kind = LINE_STACK, line->arguments = (struct span){body.at + 2, body.end};
	else if (*body.at == ')')
		line->kind = take_result((struct span){body.at + 1, body.end}, line) ? LINE_REST : LINE_UNREAD;
	else
		parse_note(body, line);
}

/* -C writes a table behind the calls. Its rows begin with two numbers with fractions, of which the first looks like a relative stamp. */
static bool is_table(struct span body, const struct line *line)
{
	const char *at = body.at;

	if (SPAN_STARTS(body, "% time ") || SPAN_STARTS(body, "------ ----"))
		return true;
	if (line->clock != SW_STRACE_CLOCK_RELATIVE || span_empty(body) || !digit(*at))
		return false;
	while (at < body.end && digit(*at))
		at++;
	if (at == body.end || *at != '.')
		return false;
	while (at < body.end && (digit(*at) || *at == '.' || *at == ' '))
		at++;
	while (at < body.end && word_byte(*at))
		at++;
	return at == body.end;
}

void line_parse(struct span bytes, struct line *line)
{
	*line = (struct line){.duration_ns = -1};
	bytes = span_trim(bytes);
	take_pid(&bytes, line);
	skip_bracket(&bytes);
	/* "1795381090.877331 ..." begins with a number too, and "12 ..." of a program's output may look like a pid. */
	if (take_stamp(&bytes, line))
		skip_relative(&bytes);
	skip_bracket(&bytes);
	skip_bracket(&bytes);
	if (is_table(bytes, line)) {
		line->clock = SW_STRACE_CLOCK_NONE;
		line->kind = LINE_EMPTY;
		return;
	}
	line_parse_body(bytes, line);
}
