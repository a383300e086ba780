/* What earlier lines of a text file said: objects, who has which descriptor open, counters. Internal to this folder. */
#ifndef SW_TRACER_TEXT_STATE_H
#define SW_TRACER_TEXT_STATE_H

#include "src/base/mem.h"
#include "tracer/text/text.h"
#include "tracer/text/text_words.h"

struct text_descriptor {
	uint32_t pid, object; /* object 0: closed */
	int32_t fd;
};

struct sw_text_state {
	uint32_t line, last_call, last_fact, last_object;
	SW_ARRAY(struct text_descriptor) descriptors; /* few: a case has a handful */
	SW_ARRAY(struct sw_socket) sockets; /* as last said, found by id */
	SW_ARRAY(struct sw_wait) waits; /* of the line that is being read */
	SW_ARRAY(struct sw_message) messages;
	SW_ARRAY(struct sw_frame) frames;
	SW_ARRAY(struct sw_field) fields;
	SW_ARRAY(struct sw_wait) entry_waits;
	char *text; /* unquoted texts of the line */
	size_t text_room, text_length;
};

struct sw_socket *text_socket_find(struct sw_text_state *state, uint32_t id);
void text_socket_set(struct sw_text_state *state, const struct sw_socket *socket);
void text_descriptor_set(struct sw_text_state *state, uint32_t pid, int fd, uint32_t object);
/* A copy without quotes that lives until the next line. */
const char *text_unquoted(struct sw_text_state *state, const struct sw_token *token, size_t *length);
int text_error(const struct sw_text_state *state, const struct sw_token *token, const char *expected,
	       struct sw_err *err);
/* "inet", "tcp", "stream" ...: false when it is none of them. */
bool text_kind_of_socket(const struct sw_token *token, int32_t *domain, int32_t *type, int32_t *protocol);

struct call_line { /* a call being read */
	struct sw_call call;
	struct sw_text_state *state;
	int numbers; /* bare integers so far */
	bool after; /* behind the '=' */
	bool fd_given, id_given, tid_given, pid_given, socket_given, fd2_given, socket2_given, bound_given,
		result_given;
};

static inline bool text_is_sys(const struct call_line *line, enum sw_sys a, enum sw_sys b)
{
	return line->call.sys == a || line->call.sys == b;
}

/* Finds or makes the objects of the call's descriptors that no word named. */
void text_call_objects(struct call_line *line, const struct sw_trace_sink *sink);
int text_read_call(const char *rest, struct sw_text_state *state, const struct sw_trace_sink *sink, struct sw_err *err);

#endif
