/* See publish.h. Enters: a report in its context. Leaves: text and files. Judges nothing. */
#include "src/publish.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "src/report/report.h"
#include "src/version.h"

/* systemd and the container engines say it in these places; proc(5), container-interface. */
static const char *container(void)
{
	static char name[64];
	if (access("/.dockerenv", F_OK) == 0)
		return "docker";
	if (access("/run/.containerenv", F_OK) == 0)
		return "podman";
	sw_auto_file FILE *file = fopen("/run/systemd/container", "re");
	if (!file || !fgets(name, sizeof name, file))
		return NULL;
	name[strcspn(name, "\n")] = 0;
	return *name ? name : NULL;
}

static const char *netns(void)
{
	static char link[64];
	ssize_t length = readlink("/proc/self/ns/net", link, sizeof link - 1);
	if (length <= 0)
		return NULL;
	link[length] = 0;
	return link;
}

void sw_publish_context(struct sw_report_context *context, const struct sw_options *options)
{
	static struct utsname names;
	context->version = SW_VERSION;
	context->slow_ns = options->slow_ns;
	context->settle_ns = options->settle_ns;
	context->linger_ns = options->linger_ns;
	context->quiet = options->quiet;
	context->verbose = options->verbose;
	if (uname(&names) == 0) {
		context->host.name = names.nodename;
		context->host.kernel = names.release;
	}
	context->host.netns = netns();
	context->host.container = container();
}

/* A terminal takes it as it comes. A pipe gets it in one piece, with patience. */
static int to_person(struct sw_report_context *context, FILE *person, int patience_ms, struct sw_err *err)
{
	sw_auto_free char *text = NULL;
	size_t length = 0;
	bool terminal = isatty(fileno(person));
	FILE *out = terminal ? person : open_memstream(&text, &length);
	if (!out)
		return sw_err_set(err, -errno, "the report cannot be written: %s", strerror(errno));
	context->colour = sw_report_colour(person);
	context->width = sw_report_width(person);
	int code = sw_renderer_find("txt")->render(context, out, err);
	int error = fflush(out) != 0 ? errno : 0;
	if (!terminal) {
		error = fclose(out) != 0 ? errno : error;
		error = error ? error : -sw_output_send(fileno(person), text, length, patience_ms);
	}
	return code == 0 && error ? sw_err_set(err, -error, "the report cannot be written: %s", strerror(error)) : code;
}

static int to_file(struct sw_report_context *context, const struct sw_outputs *outputs, struct sw_output_file *file,
		   struct sw_err *err)
{
	const struct sw_renderer *renderer = sw_renderer_find(file->output->format);
	if (!renderer)
		return 0; /* written by somebody else */
	context->colour = sw_report_colour(file->stream);
	context->width = sw_report_width(file->stream);
	int code = renderer->render(context, file->stream, err);
	int finished = sw_output_finish(outputs, file, err);
	return code < 0 ? code : finished;
}

void sw_publish_complain(const struct sw_outputs *outputs, const struct sw_err *err)
{
	sw_auto_free char *line = sw_format("sockwhy: %s\n", err->text);
	sw_output_send(STDERR_FILENO, line, strlen(line), outputs->patience_ms < 0 ? -1 : 0);
}

int sw_publish(const struct sw_options *options, struct sw_outputs *outputs, struct sw_report_context *context,
	       FILE *person)
{
	int first = 0;
	struct sw_err err = {0};
	if (options->output_count == 0) {
		first = to_person(context, person, outputs->patience_ms, &err);
		if (first < 0 && first != -EPIPE)
			sw_publish_complain(outputs, &err);
	}
	for (size_t i = 0; i < outputs->count; i++) {
		sw_err_clear(&err);
		int code = to_file(context, outputs, &outputs->files[i], &err);
		if (code < 0)
			sw_publish_complain(outputs, &err);
		first = first ? first : code;
	}
	return first;
}
