using Emulator.Devices.Loaders;
using NUnit.Framework;

namespace Emulator.Tests.Loaders;

internal sealed class GuestFileTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("emu-test").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void File_is_read_whole([Values(1, 65536, 200_000)] int length)
    {
        string path = Path.Combine(_folder, "file");
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        File.WriteAllBytes(path, data);
        Assert.That(GuestFile.Read(path, length).Data, Is.EqualTo(data));
        Assert.That(() => GuestFile.Read(path, length - 1), Throws.TypeOf<LoaderException>().With.Message.Contains("fit"));
    }

    [Test]
    public void Missing_empty_and_directory_are_refused()
    {
        string empty = Path.Combine(_folder, "empty");
        File.WriteAllBytes(empty, []);
        Assert.Multiple(() =>
        {
            Assert.That(() => GuestFile.Read(Path.Combine(_folder, "none"), 100), Throws.TypeOf<LoaderException>().With.Message.EndsWith("no such file"));
            Assert.That(() => GuestFile.Read(Path.Combine(_folder, "none", "none"), 100), Throws.TypeOf<LoaderException>().With.Message.EndsWith("no such file"));
            Assert.That(() => GuestFile.Read(_folder, 100), Throws.TypeOf<LoaderException>().With.Message.EndsWith("is a directory"));
            Assert.That(() => GuestFile.Read(empty, 100), Throws.TypeOf<LoaderException>().With.Message.EndsWith("is empty"));
            Assert.That(() => GuestFile.Read("", 100), Throws.TypeOf<LoaderException>());
            Assert.That(() => GuestFile.Read("a\0b", 100), Throws.TypeOf<LoaderException>());
        });
    }

    [Test]
    [Platform("Linux")]
    public void Device_without_end_is_refused() => Assert.That(() => GuestFile.Read("/dev/zero", 1 << 20), Throws.TypeOf<LoaderException>().With.Message.Contains("more than"));
}
