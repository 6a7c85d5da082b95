import magic
from lxml import etree

print(magic.from_file("in/first"), etree.LXML_VERSION)
