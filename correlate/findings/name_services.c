/* See name_services.h. Bytes are hostile, and cut where the recorder or strace -s cuts them: what is not there is not said. */
#include "correlate/findings/name_services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/mem.h"

#define KEPT_MAX 1024 /* questions that are remembered */

struct sw_name_services {
	struct sw_service_question kept[KEPT_MAX]; /* a ring: question n is at n % KEPT_MAX */
	uint32_t count; /* asked so far; ids begin at 1 */
};

struct bytes {
	const uint8_t *at;
	size_t length;
};

struct protocol {
	const char *path; /* the end of the socket's path */
	const char *service, *what;
	bool (*ask)(struct sw_service_question *question, struct bytes bytes);
	bool (*answer)(struct sw_service_question *question, struct bytes bytes);
};

/* ---- nscd: native integers in a row ---------------------------------------------------------------------------------- */

enum { NSCD_BYNAME = 4, NSCD_BYNAME6 = 5, NSCD_BYADDR = 6, NSCD_BYADDR6 = 7, NSCD_MAP_HOSTS = 13, NSCD_GETAI = 14 };

/* netdb.h's h_errno: HOST_NOT_FOUND, TRY_AGAIN, NO_RECOVERY, NO_DATA */
static const struct {
	const char *said;
	enum sw_service_answer answer;
} nscd_errors[] = {{NULL, SW_SERVICE_NO_NAME},
		   {"HOST_NOT_FOUND", SW_SERVICE_NO_NAME},
		   {"TRY_AGAIN", SW_SERVICE_FAILED},
		   {"NO_RECOVERY", SW_SERVICE_FAILED},
		   {"NO_DATA", SW_SERVICE_NO_ADDRESS}};

static bool word_at(struct bytes bytes, size_t index, int32_t *word)
{
	if (bytes.length < (index + 1) * sizeof *word)
		return false;
	memcpy(word, bytes.at + index * sizeof *word, sizeof *word);
	return true;
}

static void name_from(struct sw_service_question *question, const uint8_t *at, size_t length)
{
	if (length >= sizeof question->name)
		length = sizeof question->name - 1;
	memcpy(question->name, at, length);
	question->name[length] = '\0';
}

/* version, request, length of the key; the key, which ends in NUL */
static bool nscd_ask(struct sw_service_question *question, struct bytes bytes)
{
	int32_t version, request, length;

	if (!word_at(bytes, 0, &version) || !word_at(bytes, 1, &request) || !word_at(bytes, 2, &length) ||
	    version != 2 || length < 0)
		return false;
	size_t key = bytes.length - 12 < (size_t)length ? bytes.length - 12 : (size_t)length;

	question->aside = request == NSCD_BYADDR || request == NSCD_BYADDR6;
	if (request == NSCD_BYNAME || request == NSCD_BYNAME6 || request == NSCD_GETAI)
		name_from(question, bytes.at + 12, key);
	else if (request == NSCD_MAP_HOSTS)
		question->answer = SW_SERVICE_MAPPED; /* if it is given */
	else if (!question->aside)
		return false;
	return true;
}

static void add_address(struct sw_service_question *question, const uint8_t *at, size_t length)
{
	uint32_t four;

	if (question->address_count == SW_SERVICE_ADDRESSES)
		return;
	memcpy(&four, at, sizeof four);
	question->addresses[question->address_count++] = length == 4 ? sw_ip_v4(four) : sw_ip_v6(at);
}

/* All addresses, then the family of each. */
static void nscd_addresses(struct sw_service_question *question, struct bytes bytes)
{
	size_t at = 0;

	for (uint32_t i = 0; i < question->expected; i++) {
		size_t family = question->expected_bytes + i, length;

		if (family < bytes.length)
			length = bytes.at[family] == AF_INET ? 4 : 16;
		else
			length = question->expected_bytes / question->expected == 4 ? 4 : 16;
		if (at + length > bytes.length || at + length > question->expected_bytes)
			break;
		add_address(question, bytes.at + at, length);
		at += length;
	}
	question->expected = 0;
}

/* version, found, ...: of GETAI count and length of the addresses, length of the canonical name, error; else eight numbers, the last the
 * error. */
static bool nscd_answer(struct sw_service_question *question, struct bytes bytes)
{
	int32_t version, found, count = 0, length = 0, error = 0;

	if (question->expected) {
		nscd_addresses(question, bytes);
		return false; /* it was told */
	}
	if (question->answer == SW_SERVICE_MAPPED)
		return true;
	if (!word_at(bytes, 0, &version) || !word_at(bytes, 1, &found) || version != 2)
		return false;
	if (found == 1) {
		question->answer = SW_SERVICE_FOUND;
		if (bytes.length == 24 && word_at(bytes, 2, &count) && word_at(bytes, 3, &length) && count > 0 &&
		    length > 0 && count <= length / 4) {
			question->expected = (uint32_t)count;
			question->expected_bytes = (uint32_t)length;
		}
		return true;
	}
	if (found != 0)
		return false; /* this database is not served: the program asks otherwise */
	if (!word_at(bytes, bytes.length == 24 ? 5 : 7, &error) || error < 0 || (size_t)error >= SW_COUNT(nscd_errors))
		error = 0;
	question->answer = nscd_errors[error].answer;
	if (nscd_errors[error].said)
		snprintf(question->said, sizeof question->said, "%s", nscd_errors[error].said);
	return true;
}

/* ---- systemd-resolved: JSON, as systemd writes it -------------------------------------------------------------------- */

#define RESOLVE "io.systemd.Resolve."

static const char *json_find(struct bytes bytes, const char *key, size_t *left)
{
	const char *found = memmem(bytes.at, bytes.length, key, strlen(key));

	if (!found)
		return NULL;
	found += strlen(key);
	*left = bytes.length - (size_t)(found - (const char *)bytes.at);
	return found;
}

static bool json_text(struct bytes bytes, const char *key, char *text, size_t size)
{
	size_t left, length = 0;
	const char *at = json_find(bytes, key, &left);

	if (!at)
		return false;
	while (length < left && length + 1 < size && at[length] != '"')
		length++;
	memcpy(text, at, length);
	text[length] = '\0';
	return length > 0;
}

static bool varlink_ask(struct sw_service_question *question, struct bytes bytes)
{
	char method[64];

	if (!json_text(bytes, "\"method\":\"" RESOLVE, method, sizeof method))
		return false;
	question->aside = strcmp(method, "ResolveHostname") != 0;
	json_text(bytes, "\"name\":\"", question->name, sizeof question->name);
	return true;
}

/* "address":[10,0,0,7], as many as there are */
static void varlink_addresses(struct sw_service_question *question, struct bytes bytes)
{
	size_t left;
	const char *at;

	while ((at = json_find(bytes, "\"address\":[", &left))) {
		uint8_t address[16];
		size_t count = 0, i = 0;

		for (; i < left && at[i] != ']' && count < sizeof address; count++) {
			unsigned value = 0;

			for (; i < left && at[i] >= '0' && at[i] <= '9' && value < 256; i++)
				value = value * 10 + (unsigned)(at[i] - '0');
			address[count] = (uint8_t)value;
			i += i < left && at[i] == ',';
			if (i < left && at[i] != ']' && (at[i] < '0' || at[i] > '9'))
				return;
		}
		if (i >= left || at[i] != ']')
			return; /* cut */
		if (count == 4 || count == 16)
			add_address(question, address, count);
		bytes = (struct bytes){(const uint8_t *)at + i, left - i};
	}
}

static enum sw_service_answer varlink_error(struct sw_service_question *question, struct bytes bytes)
{
	static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
	size_t left;
	const char *at = json_find(bytes, "\"rcode\":", &left);
	unsigned rcode = at && left && *at >= '0' && *at <= '9' ? (unsigned)(*at - '0') : 2;

	if (strcmp(question->said, "NoSuchResourceRecord") == 0)
		return SW_SERVICE_NO_ADDRESS;
	if (strcmp(question->said, "DNSError") != 0 || rcode >= SW_COUNT(rcodes))
		return SW_SERVICE_FAILED;
	snprintf(question->said, sizeof question->said, "%s", rcodes[rcode]);
	return rcode == 3 ? SW_SERVICE_NO_NAME : SW_SERVICE_FAILED;
}

static bool varlink_answer(struct sw_service_question *question, struct bytes bytes)
{
	size_t left;

	if (json_text(bytes, "\"error\":\"" RESOLVE, question->said, sizeof question->said)) {
		question->answer = varlink_error(question, bytes);
		return true;
	}
	if (!json_find(bytes, "\"parameters\":", &left))
		return false;
	question->answer = SW_SERVICE_FOUND;
	varlink_addresses(question, bytes);
	return true;
}

/* ---- avahi: lines of words --------------------------------------------------------------------------------------------- */

static bool avahi_ask(struct sw_service_question *question, struct bytes bytes)
{
	static const char name[] = "RESOLVE-HOSTNAME", address[] = "RESOLVE-ADDRESS ";
	const uint8_t *end = memchr(bytes.at, '\n', bytes.length), *begin;

	question->aside = bytes.length >= strlen(address) && memcmp(bytes.at, address, strlen(address)) == 0;
	if (question->aside)
		return true;
	begin = bytes.length >= strlen(name) && memcmp(bytes.at, name, strlen(name)) == 0 ?
			memchr(bytes.at, ' ', bytes.length) :
			NULL;
	if (!begin)
		return false;
	if (!end)
		end = bytes.at + bytes.length;
	name_from(question, begin + 1, end > begin ? (size_t)(end - begin - 1) : 0);
	return true;
}

/* "+ 2 0 name 10.0.0.7", or "-15 Timeout reached" */
static bool avahi_answer(struct sw_service_question *question, struct bytes bytes)
{
	char line[384], *last;
	struct sw_ip ip;

	snprintf(line, sizeof line, "%.*s", (int)(bytes.length < 383 ? bytes.length : 383), (const char *)bytes.at);
	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '-') {
		question->answer = SW_SERVICE_NO_NAME;
		snprintf(question->said, sizeof question->said, "%s", line + 1 + strspn(line + 1, "0123456789 "));
		return true;
	}
	last = strrchr(line, ' ');
	if (line[0] != '+' || !last)
		return false;
	question->answer = SW_SERVICE_FOUND;
	if (sw_ip_parse(last + 1, &ip))
		question->addresses[question->address_count++] = ip;
	return true;
}

/* ---- the table --------------------------------------------------------------------------------------------------------- */

/* To add one: its socket's path as the manual has it, its two messages above, its path in tracer/engine/decode_move.c. */
static const struct protocol protocols[] = {
	{"/nscd/socket", "nscd", "the name service cache", nscd_ask, nscd_answer},
	{"/systemd/resolve/io.systemd.Resolve", "systemd-resolved", "the resolver service", varlink_ask,
	 varlink_answer},
	{"/avahi-daemon/socket", "avahi-daemon", "multicast DNS", avahi_ask, avahi_answer},
};

static const struct protocol *protocol_at(const struct sw_addr *remote)
{
	for (size_t i = 0; remote->present && remote->family == AF_UNIX && !remote->abstract && i < SW_COUNT(protocols);
	     i++) {
		size_t length = strlen(protocols[i].path), path = strlen(remote->path);

		if (path >= length && strcmp(remote->path + path - length, protocols[i].path) == 0)
			return &protocols[i];
	}
	return NULL;
}

bool sw_name_service_at(const struct sw_addr *remote)
{
	return protocol_at(remote) != NULL;
}

struct sw_name_services *sw_name_services_new(void)
{
	return sw_alloc(sizeof(struct sw_name_services));
}

void sw_name_services_free(struct sw_name_services *services)
{
	free(services);
}

/* The question `back` steps before the last; NULL beyond the oldest that is kept. */
static struct sw_service_question *before(const struct sw_name_services *services, uint32_t back)
{
	struct sw_name_services *kept = (struct sw_name_services *)(uintptr_t)services;

	return back < KEPT_MAX && back < services->count ? &kept->kept[(services->count - 1 - back) % KEPT_MAX] : NULL;
}

const struct sw_service_question *sw_name_services_of(const struct sw_name_services *services, uint32_t socket)
{
	const struct sw_service_question *question;

	for (uint32_t back = 0; (question = before(services, back)); back++)
		if (question->socket == socket)
			return question;
	return NULL;
}

static void ask(struct sw_name_services *services, const struct protocol *protocol, const struct sw_call *call)
{
	struct sw_service_question question = {.service = protocol->service,
					       .what = protocol->what,
					       .socket = call->socket,
					       .pid = call->pid,
					       .asked_ns = call->enter_ns,
					       .answered_ns = SW_TIME_NONE};

	if (!protocol->ask(&question, (struct bytes){call->data, call->data_count}))
		return;
	question.id = ++services->count;
	services->kept[(question.id - 1) % KEPT_MAX] = question;
}

const struct sw_service_question *sw_name_services_call(struct sw_name_services *services, const struct sw_call *call,
							const struct sw_addr *remote)
{
	const struct protocol *protocol = call->data_count && call->result > 0 ? protocol_at(remote) : NULL;
	bool writes = call->sys == SW_SYS_WRITE || call->sys == SW_SYS_SENDTO || call->sys == SW_SYS_SENDMSG ||
		      call->sys == SW_SYS_WRITEV;
	struct sw_service_question *question;

	if (!protocol)
		return NULL;
	if (writes) {
		ask(services, protocol, call);
		return NULL;
	}
	question = (struct sw_service_question *)(uintptr_t)sw_name_services_of(services, call->socket);
	if (!question || (question->answered_ns != SW_TIME_NONE && !question->expected) ||
	    !protocol->answer(question, (struct bytes){call->data, call->data_count}))
		return NULL;
	question->answered_ns = call->exit_ns;
	return question;
}

const struct sw_service_question *sw_name_services_get(const struct sw_name_services *services, uint32_t id)
{
	return id && id <= services->count ? before(services, services->count - id) : NULL;
}

const struct sw_service_question *sw_name_services_answer(const struct sw_name_services *services,
							  const struct sw_ip *ip, uint32_t pid, int64_t when_ns)
{
	const struct sw_service_question *question;

	for (uint32_t back = 0; (question = before(services, back)); back++) {
		if (question->answered_ns == SW_TIME_NONE || question->answered_ns > when_ns ||
		    (pid && question->pid != pid))
			continue;
		for (uint32_t i = 0; i < question->address_count; i++)
			if (sw_ip_equal(&question->addresses[i], ip))
				return question;
	}
	return NULL;
}

const struct sw_service_question *sw_name_services_mapped(const struct sw_name_services *services, uint32_t pid)
{
	const struct sw_service_question *question;

	for (uint32_t back = 0; (question = before(services, back)); back++)
		if (question->answer == SW_SERVICE_MAPPED && question->answered_ns != SW_TIME_NONE &&
		    question->pid == pid)
			return question;
	return NULL;
}
