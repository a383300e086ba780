/* See incident.h: the second pass. Enters: the journal, where its blocks stand, the findings. Leaves: the incident, in the order of
 * time, with the findings as comments on their evidence; and the packets alone for .pcap. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/incident_internal.h"
#include "src/version.h"
#include "tracer/text_out.h"

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

struct pass {
	const uint8_t *journal;
	size_t length;
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

static int copy_block(struct pass *pass, const struct sw_journal_entry *entry)
{
	const uint8_t *block = pass->journal + entry->offset;
	if (entry->offset + EPB_FIXED + 4 > pass->length || word(block + 4) > pass->length - entry->offset)
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
	const struct sw_journal_entry *left = a, *right = b;
	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* ---- the two files ---- */

static int write_head(struct sw_incident *incident, const struct sw_report_context *context, struct pass *pass)
{
	sw_auto_free char *os = sw_format("Linux %s", context->host.kernel ? context->host.kernel : "");
	sw_auto_free char *session = sw_incident_session_text(context, true);
	sw_auto_free char *custom = sw_format("%s%s", session, incident->pending_length ? incident->pending : "");
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
	return code < 0 ? code : sw_pcapng_write_interface(pass->writer, &calls, pass->err);
}

static int write_pcapng(struct sw_incident *incident, const struct sw_report_context *context, struct pass *pass)
{
	int code = write_head(incident, context, pass);
	for (size_t i = 0; code == 0 && i < incident->entries.count; i++)
		code = copy_block(pass, &incident->entries.items[i]);
	int64_t dropped = 0, kept = 0;
	for (size_t i = 0; i < context->report->status_count; i++) {
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

static int write_pcap(struct sw_incident *incident, struct pass *pass)
{
	int code = sw_pcap_write_header(pass->writer, SW_LINKTYPE_SLL2, SW_INCIDENT_SNAPLEN, pass->err);
	for (size_t i = 0; code == 0 && i < incident->entries.count; i++) {
		const struct sw_journal_entry *entry = &incident->entries.items[i];
		const uint8_t *block = pass->journal + entry->offset;
		if (entry->kind != SW_EVIDENCE_PACKET || entry->offset + EPB_FIXED > pass->length)
			continue;
		const struct sw_raw_packet raw = {.linktype = SW_LINKTYPE_SLL2,
						  .captured = word(block + 20),
						  .wire = word(block + 24),
						  .bytes = block + EPB_FIXED};
		if (raw.captured <= pass->length - entry->offset - EPB_FIXED)
			code = sw_pcap_write_packet(pass->writer, entry->time_ns, &raw, pass->err);
	}
	return code;
}

static int write_one(struct sw_incident *incident, const struct sw_outputs *outputs, struct sw_output_file *file,
		     const struct sw_report_context *context, struct pass *pass)
{
	fflush(file->stream);
	pass->writer = sw_pcapng_writer_new(fileno(file->stream), file->output->path);
	int code = strcmp(file->output->format, "pcap") == 0 ? write_pcap(incident, pass) :
							       write_pcapng(incident, context, pass);
	int ended = sw_pcapng_finish(pass->writer, code < 0 ? NULL : pass->err);
	if (code == 0 && ended == 0)
		return sw_output_finish(outputs, file, pass->err);
	return code < 0 ? code : ended;
}

int sw_incident_finish(struct sw_incident *incident, struct sw_outputs *outputs,
		       const struct sw_report_context *context, struct sw_err *err)
{
	if (incident->error) {
		*err = incident->err;
		return incident->error;
	}
	int code = sw_pcapng_flush(incident->writer, err);
	off_t length = lseek(incident->fd, 0, SEEK_END);
	if (code < 0 || length <= 0)
		return code < 0 ? code : sw_err_set(err, -errno, "%s: %s", incident->path, strerror(errno));
	void *journal = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, incident->fd, 0);
	if (journal == MAP_FAILED)
		return sw_err_set(err, -errno, "%s: cannot be read again: %s", incident->path, strerror(errno));
	if (incident->entries.count)
		qsort(incident->entries.items, incident->entries.count, sizeof *incident->entries.items, by_time);
	struct pass pass = {.journal = journal, .length = (size_t)length, .report = context->report, .err = err};
	for (size_t i = 0; i < outputs->count && code == 0; i++)
		if (strncmp(outputs->files[i].output->format, "pcap", 4) == 0)
			code = write_one(incident, outputs, &outputs->files[i], context, &pass);
	munmap(journal, (size_t)length);
	return code;
}
