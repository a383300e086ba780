/* Files of the import, opened and recognised by content: an incident, a capture, or strace's text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/import_internal.h"

#define LOOK ((size_t)64 << 10) /* bytes by which a file is recognised */

static int open_log(struct input *input, struct sw_err *err)
{
	size_t have;

	if (sw_source_open(&input->source, input->shown.path, err) < 0)
		return err->code;
	input->source_open = true;
	have = sw_source_have(&input->source, LOOK);
	if (!have && input->source.failure)
		return sw_err_set(err, -EIO, "%s: %s", input->shown.path, input->source.failure);
	if (!have)
		return sw_err_set(err, -ENODATA, "%s: is empty", input->shown.path);
	if (!sw_strace_recognise((const char *)sw_source_at(&input->source), have < LOOK ? have : LOOK))
		return sw_err_set(err, -EINVAL, "%s: is neither a capture (pcap, pcapng) nor strace's text",
				  input->shown.path);
	input->shown.type = SW_IMPORT_STRACE;
	input->shown.kind = "strace";
	return 0;
}

static void ignore_socket(void *context, const struct sw_socket *socket)
{
	(void)context;
	(void)socket;
}

static void ignore_call(void *context, const struct sw_call *call)
{
	(void)context;
	(void)call;
}

static void ignore_process(void *context, const struct sw_process *process)
{
	(void)context;
	(void)process;
}

static void ignore_fact(void *context, const struct sw_fact *fact)
{
	(void)context;
	(void)fact;
}

static void ignore_limit(void *context, const struct sw_limit *limit)
{
	(void)context;
	(void)limit;
}

static void ignore_packet(void *context, const struct sw_packet *packet)
{
	(void)context;
	(void)packet;
}

static void ignore_status(void *context, const struct sw_capture_status *status)
{
	(void)context;
	(void)status;
}

/* The section header says it, and that is read with the first packet. */
static bool is_incident(const char *path, bool *attached)
{
	const struct sw_trace_sink trace = {NULL,           ignore_socket, ignore_call, ignore_call,
					    ignore_process, ignore_fact,   ignore_limit};
	const struct sw_packet_sink packets = {.packet = ignore_packet, .status = ignore_status};
	struct sw_incident_reader *reader;
	struct sw_capture_file *file;
	struct sw_capture_hooks hooks;
	struct sw_packet packet;
	struct sw_err err = {0};
	bool is;

	file = strcmp(path, "-") == 0 ? NULL : sw_capture_file_open(path, &err);
	if (!file)
		return false;
	reader = sw_incident_reader_new(&trace, &packets);
	hooks = sw_incident_reader_hooks(reader);
	sw_capture_file_hooks(file, &hooks);
	sw_capture_file_next(file, &packet, &err);
	is = sw_incident_reader_session(reader)->present;
	*attached = is && sw_incident_reader_session(reader)->mode == SW_MODE_ATTACH;
	sw_capture_file_close(file);
	sw_incident_reader_free(reader);
	return is;
}

int sw_import_input_open(struct input *input, struct sw_err *err)
{
	struct stat status;
	struct sw_err why = {0};

	if (stat(input->shown.path, &status) == 0 && S_ISDIR(status.st_mode))
		return sw_err_set(err, -EISDIR, "%s: is a directory; name the files in it", input->shown.path);
	if (stat(input->shown.path, &status) == 0)
		input->size = (uint64_t)status.st_size;
	input->file = sw_capture_file_open(input->shown.path, &why);
	if (input->file) {
		bool incident = is_incident(input->shown.path, &input->attached);

		input->shown.type = incident ? SW_IMPORT_INCIDENT : SW_IMPORT_CAPTURE;
		input->shown.kind = incident ? "incident" : sw_capture_file_kind(input->file);
		return 0;
	}
	if (why.code != -ENOMSG)
		return sw_err_set(err, why.code ? why.code : -EIO, "%s", why.text);
	return open_log(input, err);
}

void sw_import_input_close(struct input *input)
{
	sw_capture_file_close(input->file);
	input->file = NULL;
	sw_incident_reader_free(input->incident);
	input->incident = NULL;
	if (input->source_open)
		sw_source_close(&input->source);
	input->source_open = false;
	input->log = NULL;
	input->has_packet = input->finished = false;
}
