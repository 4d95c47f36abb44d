"""Runs as live pages for a browser: read-only, with starlette and uvicorn (extra ``serve``)."""
