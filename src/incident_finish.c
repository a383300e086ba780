/* See incident.h: the second pass. Enters: the journal, where its blocks stand, the findings. Leaves: the incident, in the order of
 * time, with the findings as comments on their evidence; and the packets alone for .pcap. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/incident_internal.h"
#include "src/stray.h"
#include "src/version.h"
#include "tracer/text/text_out.h"

#define EPB_FIXED 28u /* block type to original length; draft-ietf-opsawg-pcapng, 4.3 */
#define COMMENTS_MAX 8u /* on one record */

/* ---- the session, as text ---- */

static void add_word(struct sw_out *out, const char *name, const char *value)
{
	if (!value)
		return;
	sw_out_add(out, "%s ", name);
	sw_out_quoted(out, value, strlen(value));
	sw_out_add(out, "\n");
}

char *sw_incident_session_text(const struct sw_report_context *context, bool complete)
{
	static const char *const modes[] = {"run", "attach", "explain"};
	size_t room = 4096;
	for (size_t i = 0; context && i < context->target.command_count; i++)
		room += 4 * strlen(context->target.command[i]) + 32;
	char *text = sw_alloc(room);
	struct sw_out out;
	sw_out_init(&out, text, room);
	sw_out_add(&out, "session format=1 complete=%d", complete);
	if (!context) {
		sw_out_add(&out, "\n");
		return text;
	}
	sw_out_add(&out, " mode=%s pid=%u started=%lld ended=%lld slow=%lld settle=%lld linger=%lld\n",
		   modes[context->target.mode], context->target.pid, (long long)context->target.started_ns,
		   (long long)context->target.ended_ns, (long long)context->slow_ns, (long long)context->settle_ns,
		   (long long)context->linger_ns);
	add_word(&out, "host", context->host.name);
	add_word(&out, "kernel", context->host.kernel);
	add_word(&out, "netns", context->host.netns);
	add_word(&out, "container", context->host.container);
	for (size_t i = 0; i < context->target.command_count; i++)
		add_word(&out, "argument", context->target.command[i]);
	return text;
}

/* ---- one block of the journal, with comments added ---- */

struct place { /* of a record, in one of the segments */
	const struct sw_journal_entry *entry;
	const uint8_t *journal;
	size_t length; /* of the segment */
};

struct pass {
	SW_ARRAY(struct place) places; /* in the order of time */
	const uint8_t *mapped[SW_SEGMENTS_MAX];
	size_t lengths[SW_SEGMENTS_MAX];
	const struct sw_report *report;
	struct sw_pcapng_writer *writer;
	struct sw_err *err;
};

static uint32_t word(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

/* The comments for one record; the caller frees each. */
static size_t comments_for(const struct sw_report *report, const struct sw_journal_entry *entry,
			   char *comments[COMMENTS_MAX])
{
	size_t count = 0;
	if (entry->kind == SW_JOURNAL_OTHER)
		return 0;
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct sw_finding *finding = &report->findings[i];
		for (size_t j = 0; j < finding->evidence_count && count < COMMENTS_MAX; j++) {
			const struct sw_evidence *evidence = &finding->evidence[j];
			if (evidence->kind != (enum sw_evidence_kind)entry->kind || evidence->number != entry->number)
				continue;
			comments[count++] =
				evidence->proof ?
					sw_format("sockwhy finding %u, %s (%s): %s", finding->id, finding->verdict,
						  sw_confidence_name(finding->confidence), finding->summary) :
					sw_format("sockwhy finding %u, %s: context", finding->id, finding->verdict);
			break;
		}
	}
	return count;
}

static int copy_block(struct pass *pass, const struct place *place)
{
	const struct sw_journal_entry *entry = place->entry;
	const uint8_t *block = place->journal + entry->offset;
	if (entry->offset + EPB_FIXED + 4 > place->length || word(block + 4) > place->length - entry->offset)
		return 0; /* the disk was full here */
	uint32_t size = word(block + 4), captured = word(block + 20), padded = (captured + 3u) & ~3u;
	if (size < EPB_FIXED + 4 || padded > size - EPB_FIXED - 4)
		return sw_err_set(pass->err, -EIO, "the journal is damaged");
	struct sw_pcapng_options options = {block + EPB_FIXED + padded, block + size - 4, false};
	size_t length = 0;
	sw_auto_free char *custom = sw_pcapng_options_join(options, SW_OPTION_CUSTOM_TEXT, SW_PCAPNG_PEN, &length);
	char *comments[COMMENTS_MAX];
	size_t count = comments_for(pass->report, entry, comments);
	const struct sw_pcapng_packet packet = {
		.interface = word(block + 8),
		.time_ns = entry->time_ns,
		.captured = captured,
		.wire = word(block + 24),
		.bytes = block + EPB_FIXED,
		.comment_count = count,
		.comments = (const char *const *)comments,
		.custom = custom,
		.custom_length = length,
	};
	int code = sw_pcapng_write_packet(pass->writer, &packet, pass->err);
	while (count)
		free(comments[--count]);
	return code;
}

static int by_time(const void *a, const void *b)
{
	const struct sw_journal_entry *left = ((const struct place *)a)->entry,
				      *right = ((const struct place *)b)->entry;
	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* ---- the two files ---- */

static int write_head(struct sw_incident *incident, const struct sw_report_context *context, struct pass *pass)
{
	sw_auto_free char *os = sw_format("Linux %s", context->host.kernel ? context->host.kernel : "");
	sw_auto_free char *session = sw_incident_session_text(context, true);
	const char *head = incident->segments[0]->head;
	sw_auto_free char *custom =
		sw_format("%s%s%s", session, head ? head : "", incident->pending_length ? incident->pending : "");
	const struct sw_report *report = context->report;
	const char *summary = report->finding_count ? report->findings[0].summary : "nothing failed";
	const struct sw_pcapng_section section = {.os = os,
						  .application = "sockwhy " SW_VERSION,
						  .comment_count = summary ? 1 : 0,
						  .comments = &summary,
						  .custom = custom,
						  .custom_length = strlen(custom)};
	const struct sw_pcapng_interface packets = {.linktype = SW_LINKTYPE_SLL2,
						    .snaplen = SW_INCIDENT_SNAPLEN,
						    .name = "packets",
						    .description = "what crossed the interfaces"};
	const struct sw_pcapng_interface calls = {.linktype = SW_LINKTYPE_UPPER_PDU,
						  .snaplen = SW_INCIDENT_SNAPLEN,
						  .name = "calls",
						  .description = "what the program asked the kernel"};
	int code = sw_pcapng_write_section(pass->writer, &section, pass->err);
	if (code == 0)
		code = sw_pcapng_write_interface(pass->writer, &packets, pass->err);
	if (code == 0)
		code = sw_pcapng_write_interface(pass->writer, &calls, pass->err);
	for (size_t i = 0; i < incident->place_count && code == 0; i++)
		code = sw_incident_place_write(pass->writer, &incident->places[i], pass->err);
	return code;
}

static int write_pcapng(struct sw_incident *incident, const struct sw_report_context *context, struct pass *pass)
{
	int code = write_head(incident, context, pass);
	for (size_t i = 0; code == 0 && i < pass->places.count; i++)
		code = copy_block(pass, &pass->places.items[i]);
	int64_t dropped = 0, kept = 0;
	for (size_t i = 0; i < context->report->status_count; i++) {
		if (context->report->statuses[i].place)
			continue;
		kept += context->report->statuses[i].seen;
		dropped = context->report->statuses[i].dropped < 0 || dropped < 0 ?
				  -1 :
				  dropped + context->report->statuses[i].dropped;
	}
	if (code == 0)
		code = sw_pcapng_write_statistics(pass->writer, SW_INCIDENT_PACKETS, incident->last_ns, kept, dropped,
						  pass->err);
	return code;
}

static int write_pcap(struct pass *pass)
{
	int code = sw_pcap_write_header(pass->writer, SW_LINKTYPE_SLL2, SW_INCIDENT_SNAPLEN, pass->err);
	for (size_t i = 0; code == 0 && i < pass->places.count; i++) {
		const struct place *place = &pass->places.items[i];
		const struct sw_journal_entry *entry = place->entry;
		const uint8_t *block = place->journal + entry->offset;
		/* One file has one interface: the same packet twice would look like a retransmission. */
		if (entry->kind != SW_EVIDENCE_PACKET || entry->offset + EPB_FIXED > place->length ||
		    word(block + 8) != SW_INCIDENT_PACKETS)
			continue;
		const struct sw_raw_packet raw = {.linktype = SW_LINKTYPE_SLL2,
						  .captured = word(block + 20),
						  .wire = word(block + 24),
						  .bytes = block + EPB_FIXED};
		if (raw.captured <= place->length - entry->offset - EPB_FIXED)
			code = sw_pcap_write_packet(pass->writer, entry->time_ns, &raw, pass->err);
	}
	return code;
}

static int write_one(struct sw_incident *incident, const struct sw_outputs *outputs, struct sw_output_file *file,
		     const struct sw_report_context *context, struct pass *pass)
{
	fflush(file->stream);
	pass->writer = sw_pcapng_writer_new(fileno(file->stream), file->output->path);
	int code = strcmp(file->output->format, "pcap") == 0 ? write_pcap(pass) : write_pcapng(incident, context, pass);
	int ended = sw_pcapng_finish(pass->writer, code < 0 ? NULL : pass->err);
	if (code == 0 && ended == 0)
		return sw_output_finish(outputs, file, pass->err);
	return code < 0 ? code : ended;
}

/* ---- the segments, one after the other ---- */

static int map_segment(struct pass *pass, struct sw_segment *segment, size_t index)
{
	int code = sw_pcapng_flush(segment->writer, pass->err);
	off_t length = lseek(segment->fd, 0, SEEK_END);
	if (code < 0 || length <= 0)
		return code < 0 ? code : sw_err_set(pass->err, -errno, "%s: %s", segment->path, strerror(errno));
	void *journal = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, segment->fd, 0);
	if (journal == MAP_FAILED)
		return sw_err_set(pass->err, -errno, "%s: cannot be read again: %s", segment->path, strerror(errno));
	pass->mapped[index] = journal;
	pass->lengths[index] = (size_t)length;
	for (size_t i = 0; i < segment->entries.count; i++)
		*SW_ARRAY_ADD(&pass->places) = (struct place){&segment->entries.items[i], journal, (size_t)length};
	return 0;
}

static int pass_begin(struct pass *pass, struct sw_incident *incident)
{
	if (incident->error) {
		*pass->err = incident->err;
		return incident->error;
	}
	for (size_t i = 0; i < incident->count; i++) {
		int code = map_segment(pass, incident->segments[i], i);
		if (code < 0)
			return code;
	}
	if (pass->places.count)
		qsort(pass->places.items, pass->places.count, sizeof *pass->places.items, by_time);
	return 0;
}

static void pass_end(struct pass *pass)
{
	for (size_t i = 0; i < SW_SEGMENTS_MAX; i++)
		if (pass->mapped[i])
			munmap((void *)pass->mapped[i], pass->lengths[i]);
	SW_ARRAY_RELEASE(&pass->places);
}

int sw_incident_finish(struct sw_incident *incident, struct sw_outputs *outputs,
		       const struct sw_report_context *context, struct sw_err *err)
{
	struct pass pass = {.report = context->report, .err = err};
	int code = pass_begin(&pass, incident);
	for (size_t i = 0; i < outputs->count && code == 0; i++)
		if (strncmp(outputs->files[i].output->format, "pcap", 4) == 0)
			code = write_one(incident, outputs, &outputs->files[i], context, &pass);
	pass_end(&pass);
	return code;
}

static int export_to(struct sw_incident *incident, const char *temporary, const struct sw_report_context *context,
		     struct pass *pass)
{
	sw_auto_close int fd = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return sw_err_set(pass->err, -errno, "%s: cannot be written: %s", temporary, strerror(errno));
	pass->writer = sw_pcapng_writer_new(fd, temporary);
	int code = pass_begin(pass, incident);
	if (code == 0)
		code = write_pcapng(incident, context, pass);
	int ended = sw_pcapng_finish(pass->writer, code < 0 ? NULL : pass->err);
	return code < 0 ? code : ended;
}

int sw_incident_export(struct sw_incident *incident, const char *path, const struct sw_report_context *context,
		       struct sw_err *err)
{
	struct pass pass = {.report = context->report, .err = err};
	sw_auto_free char *temporary = sw_format("%s.tmp", path);
	sw_stray_add(temporary);
	int code = export_to(incident, temporary, context, &pass);
	pass_end(&pass);
	if (code == 0 && rename(temporary, path) < 0)
		code = sw_err_set(err, -errno, "%s: cannot be written: %s", path, strerror(errno));
	if (code < 0 && code != -EEXIST)
		unlink(temporary);
	sw_stray_remove(temporary);
	return code;
}
