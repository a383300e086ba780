/* What the program says on standard error: the last of it, kept by process, handed on as facts.
 *
 * Enters: write and writev to descriptor 2 at their entry stop, which they have anyway. Leaves: facts of the kind `said`: lines, when
 * they are ended, at most fifty times a second of a process; what is held back goes out before the process ends, or when it is let go.
 * Nothing is stopped for it, and nothing is judged. */
#include <string.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_state.h"
#include "tracer/kernel/probe_fact.h"

#define SAID_ROOM 1024u
#define SAID_EVERY_NS (20 * SW_NS_PER_MS)
#define SAID_AT_ONCE 8 /* so many of those may go out together: what comes before a trace of the stack is what counts */
#define VECTORS_MAX 64u /* of one writev: musl's standard error has two */

struct sw_said {
	int64_t time_ns; /* of the last write */
	int64_t next_at; /* monotonic: not handed on before */
	pid_t tid;
	bool cut; /* there was more before it */
	size_t length;
	char text[SAID_ROOM + 1];
};

/* Whether it may be told now. Who was silent for a while may say more at once. */
static bool is_due(struct sw_said *said)
{
	int64_t now = sw_clock_monotonic(), earliest = now - (SAID_AT_ONCE - 1) * SAID_EVERY_NS;

	if (now < said->next_at)
		return false;
	said->next_at = (said->next_at > earliest ? said->next_at : earliest) + SAID_EVERY_NS;
	return true;
}

/* The newest bytes are those that count. NULs would end the text early. */
static void keep(struct sw_said *said, const char *bytes, size_t length)
{
	if (length > SAID_ROOM) {
		bytes += length - SAID_ROOM;
		length = SAID_ROOM;
		said->cut = true;
	}
	if (said->length + length > SAID_ROOM) {
		size_t drop = said->length + length - SAID_ROOM;
		memmove(said->text, said->text + drop, said->length - drop);
		said->length -= drop;
		said->cut = true;
	}
	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			said->text[said->length++] = bytes[i];
	said->text[said->length] = '\0';
}

static void read_buffer(struct sw_said *said, const struct sw_tracee *tracee, uint64_t address, uint64_t length)
{
	char bytes[SAID_ROOM];

	if (length > sizeof bytes) {
		address += length - sizeof bytes;
		length = sizeof bytes;
		said->length = 0;
		said->cut = true;
	}
	for (size_t got; length; address += got, length -= got) {
		got = sw_tracee_read(tracee, address, bytes, (size_t)length);
		if (!got)
			return;
		keep(said, bytes, got);
	}
}

static void read_vectors(struct sw_said *said, const struct sw_tracee *tracee, uint64_t address, uint64_t count)
{
	unsigned char vectors[16 * VECTORS_MAX];
	size_t pair = 2 * sw_tracee_word_size(tracee);

	if (count > VECTORS_MAX) {
		address += (count - VECTORS_MAX) * pair;
		count = VECTORS_MAX;
		said->cut = true;
	}
	if (!sw_tracee_read_all(tracee, address, vectors, (size_t)count * pair))
		return;
	for (size_t i = 0; i < count; i++)
		read_buffer(said, tracee, sw_tracee_word(tracee, vectors, 2 * i),
			    sw_tracee_word(tracee, vectors, 2 * i + 1));
}

void sw_engine_said_flush(struct sw_engine_state *engine, struct sw_tracee_process *process)
{
	struct sw_said *said = process->said;
	struct sw_fact_draft draft;

	if (!said || !said->length || !engine->sink->fact)
		return;
	sw_fact_begin(&draft, "said");
	sw_fact_add_text(&draft, "text", said->text);
	sw_fact_add_number(&draft, "cut", said->cut);
	draft.fact.id = sw_identity_fact_id(engine->identity);
	draft.fact.pid = (uint32_t)process->pid;
	draft.fact.tid = (uint32_t)said->tid;
	draft.fact.time_ns = said->time_ns;
	engine->sink->fact(engine->sink->context, sw_fact_of(&draft));
	said->length = 0;
	said->cut = false;
}

void sw_engine_said_flush_all(struct sw_engine_state *engine)
{
	struct sw_tracee_process *process, *next;

	HASH_ITER (hh, engine->tracees.processes, process, next)
		sw_engine_said_flush(engine, process);
}

void sw_engine_said(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	const struct sw_entry *at = &tracee->at;
	struct sw_tracee_process *process = tracee->process;
	struct sw_said *said = process->said;

	if (process->unborn)
		return;
	if (!said)
		said = process->said = sw_alloc(sizeof *said);
	said->tid = tracee->tid;
	said->time_ns = sw_clock_realtime();
	if (at->sys == SW_SYS_WRITEV) {
		read_vectors(said, tracee, at->args[1], at->args[2]);
	} else {
		uint64_t opening = at->args[2] > SAID_ROOM ? SAID_ROOM : 0;

		/* Of a long one, how it begins and how it ends. */
		read_buffer(said, tracee, at->args[1], opening);
		if (opening && is_due(said))
			sw_engine_said_flush(engine, process);
		read_buffer(said, tracee, at->args[1] + opening, at->args[2] - opening);
	}
	/* Programs write a line in pieces: it is told as one. */
	bool whole = said->length && said->text[said->length - 1] == '\n';
	if ((whole || said->length >= SAID_ROOM / 2) && is_due(said))
		sw_engine_said_flush(engine, process);
}
