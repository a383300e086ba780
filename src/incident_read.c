/* See incident.h: the reader. Enters: what capture/file.h hands out of an incident. Leaves: records to the sinks, and the session. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/incident.h"
#include "tracer/text/text.h"
#include "tracer/text/text_words.h"

struct sw_incident_reader {
	struct sw_trace_sink trace;
	struct sw_packet_sink packets;
	struct sw_text_state *text;
	struct sw_arena *arena;
	struct sw_incident_session session;
	SW_ARRAY(const char *) arguments;
	uint32_t unread;
	char first_error[512];
};

struct sw_incident_reader *sw_incident_reader_new(const struct sw_trace_sink *trace,
						  const struct sw_packet_sink *packets)
{
	struct sw_incident_reader *reader = sw_alloc(sizeof *reader);
	reader->trace = *trace;
	reader->packets = *packets;
	reader->text = sw_text_state_new();
	reader->arena = sw_arena_new();
	reader->session.slow_ns = reader->session.settle_ns = reader->session.linger_ns = -1;
	reader->session.target.started_ns = reader->session.target.ended_ns = SW_TIME_NONE;
	return reader;
}

void sw_incident_reader_free(struct sw_incident_reader *reader)
{
	if (!reader)
		return;
	sw_text_state_free(reader->text);
	sw_arena_free(reader->arena);
	SW_ARRAY_RELEASE(&reader->arguments);
	free(reader);
}

/* ---- lines of our own: the session and the states of captures ---- */

/* "name=NUMBER" among the words of `line`; `absent` when it is not there. */
static int64_t number(const char *line, const char *name, int64_t absent)
{
	struct sw_token token, key, value;
	int64_t result;
	while (sw_token_next(&line, &token))
		if (sw_token_split(&token, &key, &value) && sw_token_is(&key, name))
			return sw_token_number(&value, &result) ? result : absent;
	return absent;
}

static void session_line(struct sw_incident_reader *reader, const char *line)
{
	struct sw_incident_session *session = &reader->session;
	session->present = true;
	session->complete = number(line, "complete", 0) == 1;
	session->mode = strstr(line, " mode=attach ")  ? SW_MODE_ATTACH :
			strstr(line, " mode=explain ") ? SW_MODE_EXPLAIN :
							 SW_MODE_RUN;
	session->target.mode = session->mode;
	session->target.pid = (uint32_t)number(line, "pid", 0);
	session->target.started_ns = number(line, "started", SW_TIME_NONE);
	session->target.ended_ns = number(line, "ended", SW_TIME_NONE);
	session->slow_ns = number(line, "slow", -1);
	session->settle_ns = number(line, "settle", -1);
	session->linger_ns = number(line, "linger", -1);
}

static const char *quoted(struct sw_incident_reader *reader, const char *rest)
{
	struct sw_token token;
	if (!sw_token_next(&rest, &token))
		return NULL;
	char *text = sw_arena_alloc(reader->arena, token.length + 1);
	sw_token_unquote(&token, text);
	return text;
}

static void argument(struct sw_incident_reader *reader, const char *text)
{
	const char **slot = SW_ARRAY_ADD(&reader->arguments);
	*slot = text ? text : "";
	reader->session.target.command = reader->arguments.items;
	reader->session.target.command_count = reader->arguments.count;
}

static void status_line(struct sw_incident_reader *reader, const char *line)
{
	struct sw_capture_status status = {
		.input = (uint16_t)number(line, "input", 0),
		.place = (uint16_t)number(line, "place", 0),
		.netns = (uint32_t)number(line, "netns", 0),
		.available = number(line, "available", 0) == 1,
		.live = number(line, "live", 0) == 1,
		.opened_ns = number(line, "opened", SW_TIME_NONE),
		.closed_ns = number(line, "closed", SW_TIME_NONE),
		.seen = number(line, "seen", 0),
		.kept = number(line, "kept", 0),
		.dropped = number(line, "dropped", -1),
		.overruns = number(line, "overruns", 0),
		.last_drop_ns = number(line, "last_drop", SW_TIME_NONE),
		.no_loopback = number(line, "no_loopback", 0) == 1,
		.only_loopback = number(line, "only_loopback", 0) == 1,
	};
	const char *why = strstr(line, " why="), *interfaces = strstr(line, " interfaces=");
	if (why && why[5])
		status.why_not = sw_arena_strdup(reader->arena, why + 5);
	if (interfaces && why > interfaces + 12)
		status.interfaces = sw_arena_strndup(reader->arena, interfaces + 12, (size_t)(why - interfaces - 12));
	if (reader->packets.status)
		reader->packets.status(reader->packets.context, &status);
}

/* Whether the line was one of ours. */
static bool own_line(struct sw_incident_reader *reader, const char *line)
{
	static const struct {
		const char *word;
		size_t at;
	} texts[] = {
		{"host ", offsetof(struct sw_incident_session, host.name)},
		{"kernel ", offsetof(struct sw_incident_session, host.kernel)},
		{"netns ", offsetof(struct sw_incident_session, host.netns)},
		{"container ", offsetof(struct sw_incident_session, host.container)},
	};
	if (strncmp(line, "session ", 8) == 0)
		session_line(reader, line + 8);
	else if (strncmp(line, "joined ", 7) == 0)
		reader->session.joined = true;
	else if (strncmp(line, "argument ", 9) == 0)
		argument(reader, quoted(reader, line + 9));
	else if (strncmp(line, "status ", 7) == 0)
		status_line(reader, line + 7);
	else {
		for (size_t i = 0; i < SW_COUNT(texts); i++)
			if (strncmp(line, texts[i].word, strlen(texts[i].word)) == 0) {
				const char *text = quoted(reader, line + strlen(texts[i].word));
				memcpy((char *)&reader->session + texts[i].at, &text, sizeof text);
				return true;
			}
		return false;
	}
	return true;
}

static void one_line(struct sw_incident_reader *reader, const char *line)
{
	struct sw_err err = {0};
	if (own_line(reader, line))
		return;
	int code = sw_text_line(line, reader->text, &reader->trace, &err);
	if (code < 0 && reader->unread++ == 0)
		snprintf(reader->first_error, sizeof reader->first_error, "%s", err.text);
}

static void lines(struct sw_incident_reader *reader, struct sw_pcapng_options options)
{
	size_t length = 0;
	sw_auto_free char *text = sw_pcapng_options_join(options, SW_OPTION_CUSTOM_TEXT, SW_PCAPNG_PEN, &length);
	for (char *line = text, *end; line && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = 0;
		one_line(reader, line);
	}
}

/* ---- hooks ---- */

static void on_section(void *context, const struct sw_pcapng_options *options)
{
	lines(context, *options);
}

static void on_record(void *context, const struct sw_capture_record *record)
{
	lines(context, record->options);
}

struct sw_capture_hooks sw_incident_reader_hooks(struct sw_incident_reader *reader)
{
	return (struct sw_capture_hooks){.context = reader, .section = on_section, .record = on_record};
}

void sw_incident_reader_packet(struct sw_incident_reader *reader, const struct sw_capture_file *file,
			       struct sw_packet *packet)
{
	size_t length = 0;
	if (!reader->session.present)
		return;
	sw_auto_free char *text =
		sw_pcapng_options_join(sw_capture_file_options(file), SW_OPTION_CUSTOM_TEXT, SW_PCAPNG_PEN, &length);
	if (!text || strncmp(text, "pkt ", 4) != 0)
		return;
	packet->id = (uint32_t)number(text, "id", packet->id);
	packet->netns = (uint32_t)number(text, "netns", packet->netns);
	packet->place = (uint16_t)number(text, "place", packet->place);
	/* What is a copy was known then; a further place's packet is none, though it looks like one in the file. */
	packet->flags = (packet->flags & ~SW_PACKET_DUPLICATE) | (uint32_t)number(text, "flags", 0);
	packet->speech.kind = (uint8_t)number(text, "speech", SW_SPEECH_NONE);
	packet->speech.tail = (uint16_t)number(text, "tail", 0);
	packet->speech.head = (uint32_t)number(text, "head", 0);
	packet->speech.length = number(text, "said", -1);
}

const struct sw_incident_session *sw_incident_reader_session(const struct sw_incident_reader *reader)
{
	return &reader->session;
}

uint32_t sw_incident_reader_unread(const struct sw_incident_reader *reader, const char **first_error)
{
	*first_error = reader->unread ? reader->first_error : NULL;
	return reader->unread;
}
