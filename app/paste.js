// Passes pictures pasted anywhere on the page to the file uploader.
export default function () {
  const paste = (event) => {
    const input = document.querySelector('[data-testid="stFileUploaderDropzoneInput"]');
    const files = [...event.clipboardData.files];
    if (!input || !files.length || event.defaultPrevented) return;
    const transfer = new DataTransfer();
    files.forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    event.preventDefault();
  };
  document.addEventListener("paste", paste);
  return () => document.removeEventListener("paste", paste);
}
