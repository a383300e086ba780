/* Attempts: tries that belong together. Enters: beginnings and ends of debts. Leaves: what each attempt came to.
 *
 * A success makes a failed try good when it came to the same end later, began after the failure, or began so much later than
 * the try that it was meant as its replacement (RFC 8305 staggers by 100 ms at least): connections opened side by side
 * to many hosts replace nothing.
 *
 * A request that a kept-open connection took with it is made good by the same request on another one: a client may repeat it by
 * itself where no byte of an answer had come (RFC 9112, section 9.3.1), and then does so at once. Which request it is, is told
 * by its size. */
#include "correlate/debts/attempts.h"

#include <string.h>
#include <uthash.h>

#include "src/base/mem.h"

/* RFC 8305, section 5: the least delay between two tries is 100 ms where it is not configured. */
#define STAGGER_NS (100 * SW_NS_PER_MS)
/* A client that repeats a request by itself does not wait first; a program that goes on to its next request often does. */
#define REPEAT_NS (100 * SW_NS_PER_MS)

struct key { /* compared as bytes: always zeroed first */
	uint32_t operation, sys, pid, family;
	uint16_t port;
	int64_t bytes; /* of the request, where it is one */
	char name[SW_PATH_MAX + 1];
};

struct success {
	int64_t began_ns, ended_ns;
	int64_t made_ns; /* requests: when the socket was made, where it was made for this one; SW_TIME_NONE */
	struct sw_addr to;
};

/* The last successes are enough: a failure is made good by one that is near. */
#define SUCCESS_MAX 8

struct attempt {
	uint32_t id;
	struct sw_attempt_seen seen;
	uint32_t open;
	int64_t last_failed_ns;
	struct success successes[SUCCESS_MAX];
	size_t success_count;
	bool needed; /* a debt that is kept is one of its tries */
	UT_hash_handle hh;
};

struct current { /* the latest attempt of a key */
	struct key key;
	struct attempt *attempt;
	UT_hash_handle hh;
};

struct sw_attempts {
	int64_t settle_ns, exit_ns;
	uint32_t last_id;
	bool cut_off; /* a request was, once: answers are worth looking at */
	struct attempt *table; /* by id */
	struct current *current;
};

struct sw_attempts *sw_attempts_new(int64_t settle_ns)
{
	struct sw_attempts *attempts = sw_alloc(sizeof *attempts);

	attempts->settle_ns = settle_ns;
	attempts->exit_ns = SW_TIME_NONE;
	return attempts;
}

void sw_attempts_free(struct sw_attempts *attempts)
{
	struct attempt *attempt, *next_attempt;
	struct current *current, *next_current;

	HASH_ITER (hh, attempts->current, current, next_current) {
		HASH_DEL(attempts->current, current);
		free(current);
	}
	HASH_ITER (hh, attempts->table, attempt, next_attempt) {
		HASH_DEL(attempts->table, attempt);
		free(attempt);
	}
	free(attempts);
}

/* A local socket has no port: programs look for one server's socket in several folders, under one file name. */
static void key_of_path(struct key *key, const struct sw_addr *target)
{
	const char *slash = strrchr(target->path, '/');

	const char *base = slash ? slash + 1 : target->path;

	memcpy(key->name, base, strnlen(base, sizeof key->name - 1));
}

static void key_of_end(struct key *key, const struct sw_addr *target)
{
	char text[SW_ADDR_TEXT];

	sw_addr_text(target, text);
	memcpy(key->name, text, strnlen(text, sizeof key->name - 1));
}

static void key_make(struct key *key, const struct sw_debt *debt, const struct sw_addr *target, const char *name)
{
	memset(key, 0, sizeof *key);
	key->operation = debt->operation;
	if (debt->operation == SW_OPERATION_CALL) {
		key->pid = debt->pid;
		key->sys = debt->sys;
		if (debt->sys ==
		    SW_SYS_SOCKET) /* another IP family may replace one that is not there; a local socket does not */
			key->family = target->family == AF_INET6 ? AF_INET : target->family;
		return;
	}
	key->family = target->family == AF_UNIX ? AF_UNIX : AF_INET;
	if (target->family == AF_UNIX)
		key_of_path(key, target);
	else if (name)
		memcpy(key->name, name, strnlen(name, sizeof key->name - 1));
	else if (debt->operation == SW_OPERATION_DATAGRAM) /* another host's answer is none to this question */
		key_of_end(key, target);
	else
		key->port = target->endpoint.port;
	if (debt->operation == SW_OPERATION_ANSWER) {
		key->pid = debt->pid;
		key->bytes = debt->bytes_accepted;
	}
}

static bool goes_on(const struct sw_attempts *attempts, const struct attempt *attempt, int64_t now_ns)
{
	if (attempt->open)
		return true;
	return attempt->seen.failed && attempt->seen.recovered_ns == SW_TIME_NONE &&
	       now_ns - attempt->last_failed_ns <= attempts->settle_ns;
}

size_t sw_attempts_count(const struct sw_attempts *attempts)
{
	return HASH_COUNT(attempts->table) + HASH_COUNT(attempts->current);
}

void sw_attempts_need(struct sw_attempts *attempts, uint32_t id)
{
	struct attempt *attempt;

	HASH_FIND(hh, attempts->table, &id, sizeof id, attempt);
	if (attempt)
		attempt->needed = true;
}

void sw_attempts_forget(struct sw_attempts *attempts, int64_t now_ns)
{
	struct attempt *attempt, *next_attempt;
	struct current *current, *next_current;

	HASH_ITER (hh, attempts->current, current, next_current) {
		attempt = current->attempt;
		if (attempt && (attempt->needed || goes_on(attempts, attempt, now_ns)))
			attempt->needed = true;
		if (attempt && attempt->needed)
			continue;
		HASH_DEL(attempts->current, current);
		free(current);
	}
	HASH_ITER (hh, attempts->table, attempt, next_attempt) {
		if (!attempt->needed && !goes_on(attempts, attempt, now_ns)) {
			HASH_DEL(attempts->table, attempt);
			free(attempt);
		} else {
			attempt->needed = false;
		}
	}
}

static struct attempt *attempt_new(struct sw_attempts *attempts, int64_t began_ns)
{
	struct attempt *attempt = sw_alloc(sizeof *attempt);

	attempt->id = attempt->seen.id = ++attempts->last_id;
	attempt->seen.began_ns = began_ns;
	attempt->seen.ended_ns = attempt->seen.recovered_ns = attempt->last_failed_ns = SW_TIME_NONE;
	HASH_ADD(hh, attempts->table, id, sizeof attempt->id, attempt);
	return attempt;
}

static struct current *current_of(struct sw_attempts *attempts, const struct key *key, bool add)
{
	struct current *current;

	HASH_FIND(hh, attempts->current, key, sizeof *key, current);
	if (!current && add) {
		current = sw_alloc(sizeof *current);
		current->key = *key;
		HASH_ADD(hh, attempts->current, key, sizeof current->key, current);
	}
	return current;
}

uint32_t sw_attempts_began(struct sw_attempts *attempts, const struct sw_debt *debt, const struct sw_addr *target,
			   const char *name)
{
	struct current *current;
	struct key key;

	key_make(&key, debt, target, name);
	attempts->cut_off |= debt->operation == SW_OPERATION_ANSWER;
	current = current_of(attempts, &key, true);
	if (current->attempt && !goes_on(attempts, current->attempt, debt->began_ns)) {
		if (!current->attempt->seen.failed) { /* nobody will ask for it again */
			HASH_DEL(attempts->table, current->attempt);
			free(current->attempt);
		}
		current->attempt = NULL;
	}
	if (!current->attempt)
		current->attempt = attempt_new(attempts, debt->began_ns);
	current->attempt->seen.tries++;
	current->attempt->open++;
	return current->attempt->id;
}

static void note_success(struct attempt *attempt, const struct success *made)
{
	attempt->successes[attempt->success_count++ % SUCCESS_MAX] = *made;
	if (attempt->seen.failed && attempt->seen.recovered_ns == SW_TIME_NONE)
		attempt->seen.recovered_ns = made->ended_ns;
}

static struct attempt *attempt_of(struct sw_attempts *attempts, const struct sw_debt *debt,
				  const struct sw_addr *target)
{
	struct attempt *attempt = NULL;
	struct current *current;
	struct key key;

	if (debt->attempt) {
		HASH_FIND(hh, attempts->table, &debt->attempt, sizeof debt->attempt, attempt);
		return attempt;
	}
	/* A success that was no try by itself (a bind at the first go) may still make an earlier failure good. */
	key_make(&key, debt, target, NULL);
	current = current_of(attempts, &key, false);
	attempt = current ? current->attempt : NULL;
	return attempt && attempt->seen.failed && debt->began_ns - attempt->last_failed_ns <= attempts->settle_ns ?
		       attempt :
		       NULL;
}

void sw_attempts_ended(struct sw_attempts *attempts, const struct sw_debt *debt, const struct sw_addr *target)
{
	struct attempt *attempt = attempt_of(attempts, debt, target);

	if (!attempt)
		return;
	if (debt->attempt && attempt->open)
		attempt->open--;
	attempt->seen.ended_ns = debt->ended_ns;
	if (debt->outcome == SW_OUTCOME_DONE) {
		note_success(attempt, &(struct success){debt->began_ns, debt->ended_ns, SW_TIME_NONE, *target});
		return;
	}
	attempt->seen.failed++;
	attempt->last_failed_ns = debt->ended_ns;
}

/* Behind a handshake of TLS the request is not all that was written since the peer had spoken last. */
void sw_attempts_answered(struct sw_attempts *attempts, const struct sw_debt *debt, const struct sw_addr *target,
			  int64_t last_bytes, const struct sw_socket_seen *socket, int64_t time_ns)
{
	struct sw_debt asked = {.operation = SW_OPERATION_ANSWER,
				.pid = debt->pid,
				.began_ns = debt->began_ns,
				.bytes_accepted = debt->bytes_accepted};
	struct success made = {debt->began_ns, time_ns, SW_TIME_NONE, *target};
	struct attempt *attempt;

	if (!attempts->cut_off)
		return;
	if (socket->connected_ns != SW_TIME_NONE && debt->began_ns - socket->connected_ns <= REPEAT_NS)
		made.made_ns = socket->made_ns;
	attempt = attempt_of(attempts, &asked, target);
	asked.bytes_accepted = last_bytes;
	if (!attempt)
		attempt = attempt_of(attempts, &asked, target);
	if (attempt)
		note_success(attempt, &made);
}

void sw_attempts_exit(struct sw_attempts *attempts, int64_t time_ns)
{
	attempts->exit_ns = time_ns;
}

static bool same_target(const struct sw_addr *a, const struct sw_addr *b)
{
	if (a->family == AF_UNIX || b->family == AF_UNIX)
		return a->family == b->family && a->abstract == b->abstract && !strcmp(a->path, b->path);
	return sw_endpoint_equal(&a->endpoint, &b->endpoint);
}

static bool repeats(const struct success *success, const struct sw_debt *debt)
{
	bool made_for_it = success->made_ns != SW_TIME_NONE && success->made_ns >= debt->ended_ns;
	int64_t after_ns = (made_for_it ? success->made_ns : success->began_ns) - debt->ended_ns;

	return after_ns >= 0 && after_ns <= REPEAT_NS;
}

static bool makes_good(const struct success *success, const struct sw_debt *debt, const struct sw_addr *target)
{
	if (success->ended_ns < debt->began_ns)
		return false;
	if (debt->operation == SW_OPERATION_ANSWER)
		return repeats(success, debt);
	return success->began_ns >= debt->ended_ns || success->began_ns >= debt->began_ns + STAGGER_NS ||
	       (same_target(&success->to, target) && success->began_ns > debt->began_ns);
}

bool sw_attempts_get(const struct sw_attempts *attempts, const struct sw_debt *debt, const struct sw_addr *target,
		     struct sw_attempt_seen *seen)
{
	struct attempt *attempt = NULL;

	if (debt->attempt)
		HASH_FIND(hh, attempts->table, &debt->attempt, sizeof debt->attempt, attempt);
	if (!attempt)
		return false;
	*seen = attempt->seen;
	seen->recovered_ns = SW_TIME_NONE;
	for (size_t i = 0; i < SUCCESS_MAX && i < attempt->success_count; i++) {
		const struct success *success = &attempt->successes[i];

		if (!makes_good(success, debt, target) ||
		    (seen->recovered_ns != SW_TIME_NONE && seen->recovered_ns <= success->ended_ns))
			continue;
		seen->recovered_ns = success->ended_ns;
		seen->recovered_to = success->to;
	}
	seen->recovered_in_time =
		seen->recovered_ns != SW_TIME_NONE && seen->recovered_ns - debt->ended_ns <= attempts->settle_ns &&
		!(attempts->exit_ns != SW_TIME_NONE && attempts->exit_ns >= debt->began_ns &&
		  seen->recovered_ns > attempts->exit_ns); /* who has ended before it began is another's */
	return true;
}
