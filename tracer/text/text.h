/* The text form of records: one line a record. Case files are written in it by hand, bug reports and incidents by the tool.
 *
 *   socket 2 inet tcp local 10.0.0.1:4001 remote 10.0.0.2:80 flags=nonblocking
 *   call 0.000000 0.000412 connect 3 10.0.0.2:80 = -1 ECONNREFUSED
 *   call 0.1 0.2 poll 3:IN 5:OUT 1000ms = 1 3:IN|HUP pid=7 tid=8
 *   call 0.3 0.4 getsockopt 3 SO_ERROR ECONNREFUSED = 0
 *   call 0.5 - recvfrom 3 4096 =            (never came back)
 *   process 0.9 exit pid=7 code=1 command=1
 *   fact 0.0005 route to=10.0.0.2 result=unreachable
 *   limit "no right to capture" "verdicts rest on calls alone"
 *
 * tracer/text/text.md has every word. The writer leaves out what is the default, and what it writes is read back equal. By hand, the
 * thread may be left out (1), the process (the thread), call ids (counted), and socket ids: then descriptor N is the
 * object that `socket`, `accept`, `dup` ... lines made for it, until its close. */
#ifndef SW_TRACER_TEXT_H
#define SW_TRACER_TEXT_H

#include "src/base/err.h"
#include "tracer/call.h"

struct sw_text_state; /* what a file's earlier lines said: ids given, descriptors open, the line's number */

struct sw_text_state *sw_text_state_new(void);
void sw_text_state_free(struct sw_text_state *state);
/* Ids that the file gave or that were made up, so that a reader of other lines can refer to them. */
uint32_t sw_text_state_object(const struct sw_text_state *state, uint32_t pid, int fd); /* 0: none open */
uint32_t sw_text_state_line(const struct sw_text_state *state); /* number of the line read last, from 1 */

/* One line, with or without its newline; every line of the file goes through here so that the numbers are right, also those that are
 * the caller's own. Returns 1: read and delivered (a call: enter, and leave when it has ended, at once; who needs the
 * order of time merges, src/merge.h). 0: blank, a comment (#), or a word at the front that is none of ours ("pkt", "want").
 * Negative: err says the line's number, the word and what was expected. */
int sw_text_line(const char *line, struct sw_text_state *state, const struct sw_trace_sink *sink, struct sw_err *err);

/* One line without newline. Return 0, or -ENOBUFS when it does not fit `size` (then `buffer` holds an empty text). */
#define SW_TEXT_LINE_MAX 65536 /* enough for every record that the tool makes itself */
int sw_text_socket(const struct sw_socket *socket, char *buffer, size_t size);
int sw_text_call(const struct sw_call *call, char *buffer, size_t size);
int sw_text_process(const struct sw_process *process, char *buffer, size_t size);
int sw_text_fact(const struct sw_fact *fact, char *buffer, size_t size);
int sw_text_limit(const struct sw_limit *limit, char *buffer, size_t size);

#endif
