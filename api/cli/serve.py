"""stella serve"""

import typer

from api.cli.output import group, screen

APP = group("")


@APP.command()
def serve(
    context: typer.Context,
    listen: str = typer.Option("", help="host:port; empty: what the settings say, by default 127.0.0.1:8080."),
    socket_only: bool = typer.Option(False, "--socket-only", help="Serve the home's socket, no TCP address."),
) -> None:
    """Serve the home over HTTP and its own socket, until a signal asks to end."""
    from api.server import serve as run
    from api.server import tcp_listener, unix_listener
    from api.wiring import open_instance

    out = screen(context)
    settings = out.settings
    instance = open_instance(settings)
    listeners = []
    try:
        listeners.append(unix_listener(settings.socket))
        addresses = [f"unix:{settings.socket}"]
        if not socket_only:
            tcp = tcp_listener(listen or settings.listen)
            listeners.append(tcp)
            host, port = tcp.getsockname()[:2]
            addresses.append(f"http://{host}:{port}")
            instance.registry_address = f"{host}:{port}"
        typer.echo(f"stella: serving {settings.root} at {' and '.join(addresses)}", err=True)
        run(instance, listeners)
    finally:
        settings.socket.unlink(missing_ok=True)
        for listener in listeners:
            listener.close()
        instance.close()
