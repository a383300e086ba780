/* The files of assets/, embedded by the build (assets/embed.cmake); NUL terminated. */
#ifndef SW_REPORT_HTML_ASSETS_H
#define SW_REPORT_HTML_ASSETS_H

extern const char sw_asset_page_html[], sw_asset_page_html_hash[];
/* hash: "sha256-..." as a Content-Security-Policy names it */
extern const char sw_asset_page_css[], sw_asset_page_css_hash[];
extern const char sw_asset_page_js[], sw_asset_page_js_hash[];

#endif
