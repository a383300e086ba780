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

static int to_person(struct sw_report_context *context, FILE *person, struct sw_err *err)
{
	context->colour = sw_report_colour(person);
	context->width = sw_report_width(person);
	int code = sw_renderer_find("txt")->render(context, person, err);
	if (code == 0 && fflush(person) != 0)
		code = sw_err_set(err, -errno, "the report cannot be written: %s", strerror(errno));
	return code;
}

static int to_file(struct sw_report_context *context, struct sw_output_file *file, struct sw_err *err)
{
	const struct sw_renderer *renderer = sw_renderer_find(file->output->format);
	if (!renderer)
		return 0; /* written by somebody else */
	context->colour = sw_report_colour(file->stream);
	context->width = sw_report_width(file->stream);
	int code = renderer->render(context, file->stream, err);
	int finished = sw_output_finish(file, err);
	return code < 0 ? code : finished;
}

int sw_publish(const struct sw_options *options, struct sw_outputs *outputs, struct sw_report_context *context, FILE *person)
{
	int first = 0;
	struct sw_err err = {0};
	if (options->output_count == 0) {
		first = to_person(context, person, &err);
		if (first < 0 && first != -EPIPE)
			fprintf(stderr, "sockwhy: %s\n", err.text);
	}
	for (size_t i = 0; i < outputs->count; i++) {
		sw_err_clear(&err);
		int code = to_file(context, &outputs->files[i], &err);
		if (code < 0)
			fprintf(stderr, "sockwhy: %s\n", err.text);
		first = first ? first : code;
	}
	return first;
}
