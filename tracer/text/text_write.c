/* The text form of records, written: one line a record, without what the reader takes for granted (tracer/text/text.h). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/names.h"
#include "tracer/constants.h"
#include "tracer/text/text.h"
#include "tracer/text/text_words.h"

static void add_key(struct sw_out *out, const char *key, int64_t number)
{
	sw_out_add(out, " %s=%lld", key, (long long)number);
}

static void add_nonzero(struct sw_out *out, const char *key, int64_t number)
{
	if (number)
		add_key(out, key, number);
}

static void add_text_key(struct sw_out *out, const char *key, const char *text)
{
	if (!text)
		return;
	sw_out_add(out, " %s=", key);
	sw_out_quoted(out, text, strlen(text));
}

static void add_word_or_key(struct sw_out *out, const struct sw_word *words, const char *key, int64_t number)
{
	const char *name = sw_word_name(words, (uint64_t)number);

	if (name)
		sw_out_add(out, " %s", name);
	else
		add_key(out, key, number);
}

static int finish(struct sw_out *out)
{
	if (!out->cut)
		return 0;
	out->buffer[0] = '\0';
	return -ENOBUFS;
}

/* ---- socket --------------------------------------------------------------------------------------------------- */

static void add_kind_of_socket(struct sw_out *out, int32_t domain, int32_t type, int32_t protocol)
{
	if (domain != -1)
		add_word_or_key(out, sw_words_domains, "domain", domain);
	if (type == SOCK_STREAM && protocol == IPPROTO_TCP) {
		sw_out_string(out, " tcp");
	} else if (type == SOCK_DGRAM && protocol == IPPROTO_UDP) {
		sw_out_string(out, " udp");
	} else {
		if (type != -1)
			add_word_or_key(out, sw_words_types, "type", type);
		if (protocol != -1)
			add_key(out, "protocol", protocol);
	}
}

int sw_text_socket(const struct sw_socket *socket, char *buffer, size_t size)
{
	static const char *const kinds[] = {" unknown", "", " epoll", " other"};
	struct sw_out out;

	sw_out_init(&out, buffer, size);
	sw_out_add(&out, "socket %u%s", socket->id, socket->kind <= SW_OBJECT_OTHER ? kinds[socket->kind] : "");
	add_kind_of_socket(&out, socket->domain, socket->type, socket->protocol);
	if (socket->local.present) {
		sw_out_string(&out, " local ");
		sw_text_addr_add(&out, &socket->local);
	}
	if (socket->remote.present) {
		sw_out_string(&out, " remote ");
		sw_text_addr_add(&out, &socket->remote);
	}
	/* Without the word the reader takes the family of the address. */
	if (socket->domain == -1 && (socket->local.present || socket->remote.present))
		add_key(&out, "domain", -1);
	if (socket->flags) {
		sw_out_string(&out, " flags=");
		sw_words_add(&out, sw_words_socket_flags, socket->flags, ',');
	}
	add_nonzero(&out, "inode", (int64_t)socket->inode);
	if (socket->cookie)
		sw_out_add(&out, " cookie=0x%llx", (unsigned long long)socket->cookie);
	add_nonzero(&out, "netns", socket->netns);
	add_nonzero(&out, "uid", socket->uid);
	add_nonzero(&out, "mark", socket->mark);
	add_nonzero(&out, "device", socket->device);
	if (socket->since_ns) {
		sw_out_string(&out, " since=");
		sw_text_time_add(&out, socket->since_ns);
	}
	return finish(&out);
}

/* ---- call ----------------------------------------------------------------------------------------------------- */

static void add_timeout(struct sw_out *out, int64_t timeout_ns)
{
	if (timeout_ns == SW_TIMEOUT_INFINITE)
		sw_out_string(out, " timeout=inf");
	else if (timeout_ns != SW_TIMEOUT_NONE && timeout_ns >= 0 && timeout_ns % SW_NS_PER_MS == 0)
		sw_out_add(out, " timeout=%lldms", (long long)(timeout_ns / SW_NS_PER_MS));
	else if (timeout_ns != SW_TIMEOUT_NONE)
		sw_out_add(out, " timeout=%lldns", (long long)timeout_ns);
}

static void add_wait(struct sw_out *out, const struct sw_wait *wait)
{
	if (wait->fd >= 0)
		sw_out_add(out, " %d:", wait->fd);
	else
		sw_out_string(out, " ?:");
	sw_words_add(out, sw_words_events, wait->asked, '|');
	sw_out_string(out, "/");
	sw_words_add(out, sw_words_events, wait->got, '|');
	sw_out_add(out, "#%u", wait->socket);
	if (wait->data)
		sw_out_add(out, "@%llu", (unsigned long long)wait->data);
}

static void add_message(struct sw_out *out, const struct sw_message *message)
{
	sw_out_add(out, " message=%lld", (long long)message->bytes);
	if (message->addr.present) {
		sw_out_string(out, ",");
		sw_text_addr_add(out, &message->addr);
	}
}

static void add_frame(struct sw_out *out, const struct sw_frame *frame)
{
	sw_out_add(out, " frame=0x%llx,0x%llx,", (unsigned long long)frame->address, (unsigned long long)frame->offset);
	sw_out_quoted(out, frame->object, strnlen(frame->object, sizeof frame->object));
	sw_out_string(out, ",");
	sw_out_quoted(out, frame->function, strnlen(frame->function, sizeof frame->function));
	sw_out_string(out, ",");
	sw_out_quoted(out, frame->file, strnlen(frame->file, sizeof frame->file));
	sw_out_add(out, ",%u", frame->line);
}

/* What the call's own words can say (tracer/text/text_call.c reads them); `request`, `level`, `option` are keys otherwise. */
static bool add_request(struct sw_out *out, const struct sw_call *call)
{
	static const struct {
		enum sw_sys sys;
		enum sw_constants set;
	} sets[] = {{SW_SYS_FCNTL, SW_CONSTANTS_FCNTL},
		    {SW_SYS_SHUTDOWN, SW_CONSTANTS_SHUTDOWN},
		    {SW_SYS_EPOLL_CTL, SW_CONSTANTS_EPOLL_OP},
		    {SW_SYS_IOCTL, SW_CONSTANTS_IOCTL}};

	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		const char *name = call->sys == sets[i].sys ? sw_constant_name(sets[i].set, call->request) : NULL;

		if (name) {
			sw_out_add(out, " %s", name);
			return true;
		}
	}
	return false;
}

static void add_meaning(struct sw_out *out, const struct sw_call *call)
{
	bool is_option = call->sys == SW_SYS_GETSOCKOPT || call->sys == SW_SYS_SETSOCKOPT;
	const char *option = is_option ? sw_sockopt_name(call->level, call->option) : NULL;

	if (!add_request(out, call))
		add_nonzero(out, "request", call->request);
	if (option) {
		sw_out_add(out, " %s", option);
	} else {
		add_nonzero(out, "level", call->level);
		add_nonzero(out, "option", call->option);
	}
	add_nonzero(out, "value", call->value);
	if (call->bytes >= 0)
		add_key(out, "bytes", call->bytes);
	else if (call->bytes != -1)
		add_key(out, "bytes", call->bytes);
}

static void add_result(struct sw_out *out, const struct sw_call *call)
{
	if (call->exit_ns == SW_TIME_NONE && !call->result && !call->error)
		return;
	sw_out_add(out, " = %lld", (long long)call->result);
	if (call->error && sw_errno_number(sw_errno_name(call->error)) == call->error)
		sw_out_add(out, " %s", sw_errno_name(call->error));
	else
		add_nonzero(out, "error", call->error);
}

static void add_call_ids(struct sw_out *out, const struct sw_call *call)
{
	add_key(out, "id", call->id);
	if (call->tid != 1 || call->pid != call->tid)
		add_key(out, "tid", call->tid);
	if (call->pid != call->tid)
		add_key(out, "pid", call->pid);
	/* The reader would find an object by the descriptor: say also that there is none. */
	if (call->fd >= 0 || call->socket)
		add_key(out, "socket", call->socket);
	add_key(out, "fd2", call->fd2);
	if (call->fd2 >= 0 || call->socket2)
		add_key(out, "socket2", call->socket2);
	if (call->flags) {
		sw_out_string(out, " flags=");
		sw_words_add(out, sw_words_call_flags, call->flags, ',');
	}
	if (call->exit_bound_ns != call->exit_ns) {
		sw_out_string(out, " bound=");
		sw_text_time_add(out, call->exit_bound_ns);
	}
}

int sw_text_call(const struct sw_call *call, char *buffer, size_t size)
{
	struct sw_out out;

	sw_out_init(&out, buffer, size);
	sw_out_string(&out, "call ");
	sw_text_time_add(&out, call->enter_ns);
	sw_out_string(&out, " ");
	sw_text_time_add(&out, call->exit_ns);
	sw_out_add(&out, " %s", sw_sys_name(call->sys));
	if (call->fd >= 0)
		sw_out_add(&out, " %d", call->fd);
	else if (sw_sys_class(call->sys) == SW_SYS_CLASS_MAKE || call->fd != -1)
		add_key(&out, "fd", call->fd);
	for (uint32_t i = 0; i < call->wait_count; i++)
		add_wait(&out, &call->waits[i]);
	if (call->addr.present) {
		sw_out_string(&out, " ");
		sw_text_addr_add(&out, &call->addr);
	}
	add_meaning(&out, call);
	add_timeout(&out, call->timeout_ns);
	add_result(&out, call);
	add_call_ids(&out, call);
	for (uint32_t i = 0; i < call->message_count; i++)
		add_message(&out, &call->messages[i]);
	for (uint32_t i = 0; i < call->stack_count; i++)
		add_frame(&out, &call->stack[i]);
	if (call->data_count) {
		sw_out_string(&out, " data=");
		sw_out_quoted(&out, call->data, call->data_count);
	}
	return finish(&out);
}

/* ---- the others ----------------------------------------------------------------------------------------------- */

int sw_text_process(const struct sw_process *process, char *buffer, size_t size)
{
	static const char *const events[] = {"begin", "exec", "exit", "signal"};
	struct sw_out out;

	sw_out_init(&out, buffer, size);
	sw_out_string(&out, "process ");
	sw_text_time_add(&out, process->time_ns);
	sw_out_add(&out, " %s pid=%u", process->event <= SW_PROCESS_SIGNAL ? events[process->event] : "?",
		   process->pid);
	if (process->tid != process->pid)
		add_key(&out, "tid", process->tid);
	add_nonzero(&out, "inside", process->inside);
	add_nonzero(&out, "parent", process->parent);
	add_nonzero(&out, "code", process->code);
	add_nonzero(&out, "signal", process->signal);
	if (process->is_command)
		add_key(&out, "command", 1);
	add_text_key(&out, "comm", process->comm);
	add_text_key(&out, "line", process->command_line);
	return finish(&out);
}

static bool reads_as_text(const char *text)
{
	struct sw_token token = {text, strlen(text)};
	int64_t number;

	if (text[strcspn(text, " \"\\\t\r\n=")] || !*text || sw_token_number(&token, &number))
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

/* The reader takes these for the fact's own, not for a field; and of a name one dot away. */
static const char *field_dot(const char *name)
{
	return name[0] == '.' || strcmp(name, "socket") == 0 || strcmp(name, "call") == 0 || strcmp(name, "tid") == 0 ?
		       "." :
		       "";
}

int sw_text_fact(const struct sw_fact *fact, char *buffer, size_t size)
{
	struct sw_out out;

	sw_out_init(&out, buffer, size);
	sw_out_string(&out, "fact ");
	sw_text_time_add(&out, fact->time_ns);
	add_key(&out, "id", fact->id);
	add_nonzero(&out, "pid", fact->pid);
	add_nonzero(&out, "tid", fact->tid);
	add_nonzero(&out, "socket", fact->socket);
	add_nonzero(&out, "call", fact->call);
	sw_out_add(&out, " %s", fact->kind);
	for (uint32_t i = 0; i < fact->field_count; i++) {
		const struct sw_field *field = &fact->fields[i];

		sw_out_add(&out, " %s%s=", field_dot(field->name), field->name);
		if (!field->text)
			sw_out_add(&out, "%lld", (long long)field->number);
		else if (reads_as_text(field->text))
			sw_out_string(&out, field->text);
		else
			sw_out_quoted(&out, field->text, strlen(field->text));
	}
	return finish(&out);
}

int sw_text_limit(const struct sw_limit *limit, char *buffer, size_t size)
{
	struct sw_out out;

	sw_out_init(&out, buffer, size);
	sw_out_string(&out, "limit ");
	sw_out_quoted(&out, limit->what, strlen(limit->what));
	sw_out_string(&out, " ");
	sw_out_quoted(&out, limit->costs, strlen(limit->costs));
	return finish(&out);
}
