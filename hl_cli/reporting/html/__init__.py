"""Pages for people: report.html and sweep.html, each one file that needs no network, its pictures inside."""
