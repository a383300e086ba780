/* Capture files: what pcap and pcapng have in common.
 *
 * Enters: a path. Leaves: packets, one at a time, and what is known of the capture as a whole. The formats are in
 * pcap_read.c and pcapng_read.c. */
#include "capture/file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "capture/decode.h"
#include "capture/file_internal.h"

struct sw_capture_file *sw_capture_file_open(const char *path, struct sw_err *err)
{
	struct sw_capture_file *file = sw_alloc(sizeof *file);
	int mine;

	*file = (struct sw_capture_file){
		.source.fd = -1, .first_ns = SW_TIME_NONE, .last_ns = SW_TIME_NONE, .dropped = -1};
	file->path = sw_strdup(path);
	file->application = sw_application_new();
	file->duplicates = sw_duplicates_new();
	if (sw_source_open(&file->source, path, err) < 0) {
		sw_capture_file_close(file);
		return NULL;
	}
	mine = sw_pcap_begin(file, err);
	if (!mine)
		mine = sw_pcapng_begin(file, err);
	if (mine > 0)
		return file;
	if (!mine && file->source.failure)
		sw_err_set(err, file->source.failure_code, "%s: %s", path, file->source.failure);
	else if (!mine && !sw_source_have(&file->source, 1))
		sw_err_set(err, -ENOMSG, "%s: empty file", path);
	else if (!mine)
		sw_err_set(err, -ENOMSG, "%s: not a capture (neither pcap nor pcapng)", path);
	sw_capture_file_close(file);
	return NULL;
}

void sw_capture_file_close(struct sw_capture_file *file)
{
	if (!file)
		return;
	sw_source_close(&file->source);
	SW_ARRAY_RELEASE(&file->interfaces);
	sw_application_free(file->application);
	sw_duplicates_free(file->duplicates);
	free(file->path);
	free(file);
}

void sw_capture_file_hooks(struct sw_capture_file *file, const struct sw_capture_hooks *hooks)
{
	file->hooks = *hooks;
}

int sw_file_damaged(struct sw_capture_file *file, struct sw_err *err, const char *format, ...)
{
	char what[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	file->failed = sw_err_set(&file->failure, -EBADMSG, "%s: packet %u at byte %llu%s: %s", file->path,
				  file->count + 1, (unsigned long long)file->source.offset,
				  file->source.packing ? " (decompressed)" : "", what);
	if (err)
		*err = file->failure;
	return file->failed;
}

int sw_file_cut(struct sw_capture_file *file, size_t want, const char *what, struct sw_err *err)
{
	size_t left = sw_source_have(&file->source, 0);

	if (file->source.failure)
		return sw_file_damaged(file, err, "%s", file->source.failure);
	return sw_file_damaged(file, err, "the file is cut short: %s of %zu bytes, %zu left", what, want, left);
}

void sw_file_packet(struct sw_capture_file *file, struct sw_packet *packet, int64_t time_ns, enum sw_packet_way way)
{
	const struct sw_raw_packet *raw = &file->raw;

	sw_decode_way(raw->linktype, raw->bytes, raw->captured, raw->wire, way, packet);
	packet->id = ++file->count;
	packet->time_ns = time_ns;
	if (raw->linktype != SW_LINK_SLL2)
		packet->interface = raw->interface;
	if (!file->one_interface && sw_duplicates_seen(file->duplicates, packet, raw->linktype != SW_LINK_SLL))
		packet->flags |= SW_PACKET_DUPLICATE;
	if (raw->linktype == SW_LINK_SLL2 || raw->linktype == SW_LINK_SLL)
		file->all_interfaces = true;
	else if (packet->flags & SW_PACKET_LOOPBACK)
		file->loopback_seen = true;
	else
		file->others_seen = true;
	if (packet->kind == SW_PACKET_TCP && packet->payload_length)
		packet->speech = sw_speech_of(packet->payload, packet->payload_captured, packet->payload_length);
	sw_application_packet(file->application, packet);
	if (file->first_ns == SW_TIME_NONE || time_ns < file->first_ns)
		file->first_ns = time_ns;
	if (file->last_ns == SW_TIME_NONE || time_ns > file->last_ns)
		file->last_ns = time_ns;
	file->packets++;
	if (packet->kind == SW_PACKET_OTHER && !sw_decode_knows(raw->linktype))
		file->unknown++;
}

int sw_capture_file_next(struct sw_capture_file *file, struct sw_packet *packet, struct sw_err *err)
{
	if (!file->failed)
		return file->next(file, packet, err);
	if (err)
		*err = file->failure;
	return file->failed;
}

const struct sw_raw_packet *sw_capture_file_raw(const struct sw_capture_file *file)
{
	return &file->raw;
}

struct sw_pcapng_options sw_capture_file_options(const struct sw_capture_file *file)
{
	return file->options;
}

static int64_t drops(const struct sw_capture_file *file)
{
	int64_t sum = file->dropped;

	for (size_t i = 0; i < file->interfaces.count; i++) {
		if (file->interfaces.items[i].dropped >= 0)
			sum = (sum < 0 ? 0 : sum) + file->interfaces.items[i].dropped;
	}
	return sum;
}

void sw_capture_file_status(const struct sw_capture_file *file, struct sw_capture_status *status)
{
	*status = (struct sw_capture_status){
		.available = true,
		.opened_ns = file->first_ns,
		.closed_ns = file->last_ns,
		.seen = file->packets,
		.kept = file->packets,
		.dropped = drops(file),
		.last_drop_ns = SW_TIME_NONE,
		.interfaces = file->names,
		.no_loopback = !file->all_interfaces && !file->loopback_seen,
		.only_loopback = !file->all_interfaces && file->loopback_seen && !file->others_seen,
	};
	if (status->dropped > 0)
		status->last_drop_ns = file->last_ns; /* the counters do not say when */
	if (file->failed)
		status->why_not = file->failure.text;
}

uint64_t sw_capture_file_offset(const struct sw_capture_file *file)
{
	return file->source.offset;
}

const char *sw_capture_file_kind(const struct sw_capture_file *file)
{
	return file->kind;
}

uint32_t sw_capture_file_unknown(const struct sw_capture_file *file)
{
	return file->unknown;
}
