/* The HTML report: one file that needs nothing else. Enters: report and context. Leaves: the template (assets/page.html) with
 * its @places@ filled; what fills them stands in html_*.c. Style and script are named by hash in the page's own policy. */
#include "src/report/html.h"

#include <errno.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/html_assets.h"
#include "src/report/html_out.h"
#include "src/report/renderers.h"
#include "src/report/report.h"

static void put_version(const struct sw_report_context *context, FILE *out)
{
	sw_html_text(out, context->version ? context->version : "unknown");
}

static void put_status(const struct sw_report_context *context, FILE *out)
{
	fputs(sw_status_name(sw_report_status(context->report)), out);
}

static void put_style(const struct sw_report_context *context, FILE *out)
{
	(void)context;
	fputs(sw_asset_page_css, out);
}

static void put_style_hash(const struct sw_report_context *context, FILE *out)
{
	(void)context;
	fputs(sw_asset_page_css_hash, out);
}

static void put_script(const struct sw_report_context *context, FILE *out)
{
	(void)context;
	fputs(sw_asset_page_js, out);
}

static void put_script_hash(const struct sw_report_context *context, FILE *out)
{
	(void)context;
	fputs(sw_asset_page_js_hash, out);
}

/* To add one: @name@ in the template and a row here. */
static const struct place {
	const char *name;
	void (*fill)(const struct sw_report_context *context, FILE *out);
} places[] = {
	{"style-hash", put_style_hash},
	{"script-hash", put_script_hash},
	{"version", put_version},
	{"title", sw_html_title},
	{"style", put_style},
	{"status", put_status},
	{"head", sw_html_head},
	{"findings", sw_html_findings},
	{"flows", sw_html_flows},
	{"timeline", sw_html_timeline},
	{"about", sw_html_about},
	{"foot", sw_html_foot},
	{"flows-data", sw_html_flows_data},
	{"timeline-data", sw_html_timeline_data},
	{"script", put_script},
};

static const struct place *place_at(const char *name, size_t length)
{
	for (size_t i = 0; i < SW_COUNT(places); i++)
		if (strlen(places[i].name) == length && memcmp(places[i].name, name, length) == 0)
			return &places[i];
	return NULL;
}

const char *sw_html_kind(enum sw_evidence_kind kind)
{
	return kind == SW_EVIDENCE_CALL ? "call" : kind == SW_EVIDENCE_PACKET ? "packet" : "fact";
}

int sw_render_html(const struct sw_report_context *context, FILE *out, struct sw_err *err)
{
	errno = 0;
	for (const char *at = sw_asset_page_html; *at;) {
		size_t length = strcspn(at, "@");

		fwrite(at, 1, length, out);
		at += length;
		if (!*at)
			break;
		size_t name = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz-");
		const struct place *place = at[1 + name] == '@' ? place_at(at + 1, name) : NULL;

		if (place)
			place->fill(context, out);
		else
			fputc('@', out);
		at += place ? name + 2 : 1;
	}
	if (fflush(out) || ferror(out))
		return sw_err_set(err, errno ? -errno : -EIO, "cannot write the HTML report: %s",
				  strerror(errno ? errno : EIO));
	return 0;
}
