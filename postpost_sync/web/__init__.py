"""The calendar as live web pages. A process of its own that reads the database and the folders; it holds no API key.

    source      what is read, and made of it
    metrics     the same as numbers, for Prometheus
    guard       who may ask
    app         the addresses
    server      a socket, and uvicorn on it

Of a request nothing is used but a post's id, a number, a date and the token: no path, no name. Nothing leaves a folder but
thumbnails that were made here.
"""
