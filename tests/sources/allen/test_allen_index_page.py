"""Directory listings of web servers: what lies directly below is found, and nothing leads out."""

import pytest

from neuropil.sources.allen.index_page import name_of, read_listing
from sources.allen.allen_server import apache

BASE = "https://bil.example/biccn/zeng/"
NGINX = """<html><head><title>Index of /biccn/zeng/</title></head><body><h1>Index of /biccn/zeng/</h1><hr><pre>
<a href="../">../</a>
<a href="pseq/">pseq/</a>                      26-May-2020 10:00     -
<a href="601506507_transformed.swc">601506507_transf..&gt;</a> 26-May-2020 10:00  123456
</pre></body></html>"""


def page(*links):
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    return f"<html><head><title>Index of /</title></head><body>{anchors}</body></html>"


def test_apache_and_nginx_listings_are_read():
    for text in (NGINX, apache("/biccn/zeng/", ["pseq"], ["601506507_transformed.swc"]).decode()):
        listing = read_listing(text, BASE)
        assert listing.folders == (f"{BASE}pseq/",) and listing.files == (f"{BASE}601506507_transformed.swc",)


@pytest.mark.parametrize("address", [BASE, BASE[:-1], BASE + "?C=N;O=D", BASE + "#top"])
def test_address_with_and_without_slash_or_query_is_the_same(address):
    assert read_listing(NGINX, address) == read_listing(NGINX, BASE)


def test_full_and_rooted_links_count_as_relative_ones_do_and_each_once():
    found = read_listing(page("a.swc", "/biccn/zeng/a.swc", f"{BASE}a.swc", "./a.swc", "a.swc?x=1#y"), BASE)
    assert found.files == (f"{BASE}a.swc",)


@pytest.mark.parametrize(
    "link",
    [
        "../",
        "/",
        "/biccn/",
        "/etc/passwd",
        "../other/a.swc",
        "pseq/../../up.swc",
        "deep/er.swc",
        "..%2f..%2fup.swc",
        "%2e%2e/",
        "a%00.swc",
        "a%5Cb.swc",
        "https://elsewhere.example/biccn/zeng/a.swc",
        "//elsewhere.example/biccn/zeng/a.swc",
        "http://bil.example/biccn/zeng/a.swc",
        "https://bil.example:444/biccn/zeng/a.swc",
        "https://bil.example@elsewhere.example/biccn/zeng/a.swc",
        "javascript:alert(1)",
        "mailto:a@b.example",
        "http://[broken/a.swc",
        "?C=N;O=D",
        "#",
        ".",
        "./",
        "",
    ],
)
def test_what_is_not_directly_below_is_passed_over(link):
    listing = read_listing(page(link, "good.swc"), BASE)
    assert listing.folders == () and listing.files == (f"{BASE}good.swc",)


def test_names_are_decoded():
    (file,) = read_listing(page("cell%20%231%20%C3%A9.swc"), BASE).files
    assert name_of(file) == "cell #1 é.swc"


def test_empty_directory_is_a_listing_and_another_page_is_none():
    assert read_listing(apache("/biccn/zeng/").decode(), BASE).files == ()
    assert read_listing('<a href="../">up</a>', BASE).folders == ()
    for text in ("<html><title>Sorry</title>Back soon</html>", "", '<a href="https://help.example/">help</a>', "a < b"):
        assert read_listing(text, BASE) is None


@pytest.mark.parametrize("junk", ["<![if IE]>", "<![x", "<!--", "<a href=", "&#xffffffff;", "<" * 5000])
def test_broken_pages_break_nothing(junk):
    listing = read_listing(page("good.swc") + junk, BASE)
    assert listing is not None and listing.files == (f"{BASE}good.swc",)
