"""libnftables bindings by ctypes, loaded only when a whole ruleset is written: libnftables(3).

Through ctypes, for building labcore must not need its headers.
"""

import ctypes
from typing import Any, Final

from labcore.errors import InvalidInput, Unavailable

LIBRARY: Final = "libnftables.so.1"


def _load() -> Any:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        raise Unavailable(f"{LIBRARY} is not there: apt-get install libnftables1") from None
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    library.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
    return library


def run(commands: str) -> str:
    """Run the text of nft(8)'s commands as one transaction, in the calling thread's network namespace; return what they list.

    Raises Unavailable where the library is not there, InvalidInput with the library's message.
    """
    library = _load()
    context = ctypes.c_void_p(library.nft_ctx_new(ctypes.c_uint32(0)))
    if not context:
        raise Unavailable("nftables: this process cannot ask the kernel for it: nft_ctx_new failed")
    try:
        library.nft_ctx_buffer_error(context)
        library.nft_ctx_buffer_output(context)
        if library.nft_run_cmd_from_buffer(context, commands.encode()):
            message: bytes = library.nft_ctx_get_error_buffer(context)
            raise InvalidInput(f"nftables: {message.decode(errors='replace').strip()}")
        listed: bytes = library.nft_ctx_get_output_buffer(context)
        return listed.decode(errors="replace")
    finally:
        library.nft_ctx_free(context)
