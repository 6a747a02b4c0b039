//! Local files that rows name.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::*;

const KONTEXT: Option<&str> = Some("black-forest-labs/flux-kontext-pro");
const PRO: Option<&str> = Some("black-forest-labs/flux-2-pro");

/// What is sent for a file that exists: its field and path.
fn content(field: &str, path: &Path) -> Result<String, String> {
    let path = path.display().to_string();
    if path.contains("none") {
        return Err("cannot be read: it is gone".to_owned());
    }
    Ok(format!("data:{field}:{path}"))
}

fn read_all(text: &str, format: Format, model: Option<&str>) -> Vec<Value> {
    let rows = |text| Rows::reader(text, format).folder("sheet").files(content);
    shown(all(text, rows, model).unwrap())
}

#[test]
fn a_path_in_an_image_field_becomes_the_content() {
    let file = |field: &str, path: &str| format!("data:{field}:sheet/{path}");
    let table = read_all(
        "prompt,input_image\n@a.txt,@photos/a b.jpg\nx,https://x/y.png\nz,\n",
        Format::Csv,
        KONTEXT,
    );
    assert_eq!(table[0][3]["prompt"], "@a.txt");
    assert_eq!(
        table[0][3]["input_image"],
        file("input_image", "photos/a b.jpg")
    );
    assert_eq!(table[1][3]["input_image"], "https://x/y.png");
    assert_eq!(table[2][3].get("input_image"), None);
    let list = read_all(
        r#"{"prompt": "x", "input_images": ["@a.jpg", "https://x/y.png", "@b.jpg"]}"#,
        Format::JsonLines,
        PRO,
    );
    let images = json!([
        file("input_images", "a.jpg"),
        "https://x/y.png",
        file("input_images", "b.jpg")
    ]);
    assert_eq!(list[0][3]["input_images"], images);
    let one = read_all("prompt,input_images\nx,@a.jpg\n", Format::Csv, PRO);
    assert_eq!(
        one[0][3]["input_images"],
        json!([file("input_images", "a.jpg")])
    );
    // What an unknown model takes is not known.
    let other = read_all("prompt,input_image\nx,@a.jpg\n", Format::Csv, Some("a/b"));
    assert_eq!(other[0][3]["input_image"], "@a.jpg");
    let stated = |text| {
        Rows::reader(text, Format::Csv)
            .file_field("input_image")
            .files(content)
    };
    let other = all("prompt,input_image\nx,@a.jpg\n", stated, Some("a/b")).unwrap();
    assert_eq!(shown(other)[0][3]["input_image"], "data:input_image:a.jpg");
    let text = all(
        "prompt,input_image\nx,@a.jpg\n",
        stated_without_files,
        KONTEXT,
    )
    .unwrap();
    assert_eq!(shown(text)[0][3]["input_image"], "@a.jpg");
}

fn stated_without_files(text: Cursor<Vec<u8>>) -> Rows {
    Rows::reader(text, Format::Csv)
}

#[test]
fn a_file_that_cannot_be_read_makes_the_row_a_bad_one() {
    let rows = read_all(
        "prompt,input_image\nx,@none.jpg\ny,@\nz,@a.jpg\n",
        Format::Csv,
        KONTEXT,
    );
    assert_eq!(
        rows[..2],
        [
            json!(["line 2, input_image: none.jpg: cannot be read: it is gone"]),
            json!(["line 3, input_image: no file is named after @"]),
        ]
    );
    assert_eq!(rows[2][0], 4);
}

#[test]
fn paths_are_relative_to_the_folder_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "prompt,input_image\nx,@a.jpg\ny,@/b.jpg\n").unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&asked);
    let rows = Rows::file(&path).unwrap().repeat(3).files(move |_, path| {
        record.lock().unwrap().push(path.to_owned());
        Ok("data:,".to_owned())
    });
    let mut found = 0;
    let model = KONTEXT.unwrap().parse().unwrap();
    read(rows, Some(&model), &mut |row| {
        found += usize::from(row.is_ok());
        true
    })
    .unwrap();
    // Once for a row that is repeated.
    assert_eq!(found, 6);
    let expected = [folder.path().join("a.jpg"), PathBuf::from("/b.jpg")];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[test]
fn the_files_of_rows_that_are_not_asked_for_are_not_read() {
    let text = "id,prompt,input_image\na,x,@none.jpg\nb,y,@b.jpg\n";
    let rows = |text| Rows::reader(text, Format::Csv).files(content).only(["b"]);
    let rows = all(text, rows, KONTEXT).unwrap();
    assert_eq!(shown(rows).len(), 1);
}

#[test]
fn the_path_of_a_file_without_its_sign_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jpg"), "").unwrap();
    let at = folder.path().to_owned();
    let rows = |text| {
        let rows = Rows::reader(text, Format::Csv);
        rows.folder(at.clone()).files(content)
    };
    let text = "prompt,input_image\na.jpg,a.jpg\na.jpg,b.jpg\n";
    let read = shown(all(text, rows, KONTEXT).unwrap());
    let said = "line 2, input_image: a.jpg is a file: to send it, write @a.jpg";
    assert_eq!(read[0], json!([said]));
    // Whether it is an address is left to the check.
    assert_eq!(read[1][3]["input_image"], "b.jpg");
}
