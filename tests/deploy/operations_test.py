"""docs/operations says what is so: every key with its default, links that lead somewhere."""
import re
import unittest

from processes import ROOT

PAGES = ROOT / "docs/operations"


def keys_and_defaults():
    """configs/server.yaml, {dotted key: default as written}; a section without fixed keys counts as one."""
    found, section = {}, ""
    for line in (ROOT / "configs/server.yaml").read_text().splitlines():
        match = re.match(r"( *)([\w-]+):(?: (.*))?$", line)
        if not match or line.lstrip().startswith("#"):
            continue
        indent, name, value = match[1], match[2], match[3]
        if indent:
            found[f"{section}.{name}"] = value
        elif value is None:
            section = name
        else:
            found[name] = value
    return found


class Operations(unittest.TestCase):
    def test_every_key_of_the_server_is_in_the_table_with_its_default(self):
        table = dict(re.findall(r"(?m)^\| `([\w.-]+)` \| `([^`]*)` \|", (PAGES / "configure.md").read_text()))
        defaults = keys_and_defaults()
        self.assertGreater(len(defaults), 30)
        self.assertEqual(table, defaults)

    def test_links_lead_to_files_and_headings_that_are_there(self):
        for page in PAGES.glob("*.md"):
            for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
                path, _, heading = target.partition("#")
                file = page.parent / path if path else page
                self.assertTrue(file.exists(), f"{page.name}: {target}")
                if heading:
                    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
                                for line in file.read_text().splitlines() if line.startswith("#")}
                    self.assertIn(heading, headings, f"{page.name}: {target}")

    def test_every_page_is_in_the_list_and_every_setting_that_a_page_names_is_one(self):
        listed = set(re.findall(r"\((\w+\.md)\)", (PAGES / "README.md").read_text()))
        self.assertEqual(listed, {page.name for page in PAGES.glob("*.md")} - {"README.md"})
        keys = set(keys_and_defaults())
        sections = {key.split(".")[0] for key in keys if "." in key} - {"datasets"}
        for page in PAGES.glob("*.md"):
            for name in re.findall(rf"`((?:{'|'.join(sections)})\.\w+)(?::[^`]*)?`", page.read_text()):
                self.assertIn(name, keys, page.name)

    def test_the_first_page_of_all_leads_here(self):
        self.assertIn("docs/operations/README.md", (ROOT / "README.md").read_text())


if __name__ == "__main__":
    import sys
    del sys.argv[1:]
    unittest.main()
