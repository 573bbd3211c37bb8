"""A spreadsheet as CMDB: CSV files or an XLSX workbook, the way many teams begin."""
