using System.Text.Json;
using Emulator.Frontend;
using Emulator.Frontend.CommandLine;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

[TestFixture]
[NonParallelizable]
public sealed class DiskCommandTests
{
    private string _directory = "";

    [SetUp]
    public void CreateDirectory() => _directory = Directory.CreateTempSubdirectory("emu-disk").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void Images_are_converted_around_all_formats()
    {
        byte[] data = new byte[20400 * 512]; // a size that has a geometry
        new Random(5).NextBytes(data.AsSpan(100_000, 500_000));
        data[^1] = 1;
        File.WriteAllBytes(In("0"), data);
        string[][] formats = [["qcow2"], ["vmdk"], ["vpc"], ["vmdk", "--flat"], ["vpc", "--flat"], ["vhd"], ["raw"]];
        for (int i = 0; i < formats.Length; i++)
        {
            string[] from = i == 0 ? ["-f", "raw"] : [];
            Assert.That(Invoke(["disk", "convert", .. from, "-O", .. formats[i], In($"{i}"), In($"{i + 1}")]).Status, Is.Zero);
            Assert.That(Invoke(["disk", "check", In($"{i + 1}")]).Status, Is.Zero);
        }

        Assert.That(File.ReadAllBytes(In($"{formats.Length}")).AsSpan().SequenceEqual(data), Is.True);
        using JsonDocument info = JsonDocument.Parse(Invoke(["disk", "info", "--json", In("1")]).Output);
        Assert.That(info.RootElement.GetProperty("format").GetString(), Is.EqualTo("qcow2"));
        Assert.That(info.RootElement.GetProperty("virtual-size").GetInt64(), Is.EqualTo(data.Length));
    }

    [Test]
    public void Clones_name_what_is_below()
    {
        Assert.That(Invoke(["disk", "create", "-f", "qcow2", In("base"), "10M"]).Status, Is.Zero);
        Assert.That(Invoke(["disk", "clone", In("base"), In("clone")]).Status, Is.Zero);
        string output = Invoke(["disk", "info", In("clone")]).Output;
        Assert.That(output, Does.Contain("backing-file:   base").And.Contain("backing-format: qcow2").And.Contain("10 MiB"));
        Assert.That(Invoke(["disk", "clone", In("base"), In("clone")]).Error, Does.Contain("exists already"));
        Assert.That(Invoke(["disk", "clone", "--force", In("base"), In("clone")]).Status, Is.Zero);
    }

    [TestCase("clone", "base", "base")]
    [TestCase("clone", "clone", "base")]
    [TestCase("clone", "clone", "link")]
    [TestCase("convert", "base", "base")]
    [TestCase("convert", "clone", "base")]
    public void Forced_commands_do_not_overwrite_what_they_read(string command, string from, string to)
    {
        byte[] data = new byte[1 << 20];
        new Random(6).NextBytes(data);
        File.WriteAllBytes(In("base"), data);
        Assert.That(Invoke(["disk", "clone", "-f", "raw", In("base"), In("clone")]).Status, Is.Zero);
        if (to == "link")
        {
            Assume.That(OperatingSystem.IsWindows(), Is.False, "Windows wants a privilege for symbolic links");
            File.CreateSymbolicLink(In("link"), In("base"));
        }

        (int status, _, string error) = Invoke(["disk", command, "-f", from == "base" ? "raw" : "qcow2", "--force", In(from), In(to)]);
        Assert.That((status, error), Is.EqualTo((ExitStatus.Usage, $"emu: {In(to)}: is in use by another process or drive\n")));
        Assert.That(File.ReadAllBytes(In("base")).AsSpan().SequenceEqual(data), Is.True);
    }

    [Test]
    public void A_flat_vmdk_is_two_files_or_none()
    {
        File.WriteAllText(In("disk-flat.vmdk"), "of somebody else");
        Assert.That(Invoke(["disk", "create", "-f", "vmdk", "--flat", In("disk.vmdk"), "1M"]).Error, Does.Contain("disk-flat.vmdk: exists already"));
        Assert.That(Directory.GetFiles(_directory).Select(Path.GetFileName), Is.EqualTo(new[] { "disk-flat.vmdk" }));
        Assert.That(File.ReadAllText(In("disk-flat.vmdk")), Is.EqualTo("of somebody else"));
    }

    [TestCase("create", "FILE", "0")]
    [TestCase("create", "FILE", "much")]
    [TestCase("create", "-f", "qed", "FILE", "1M")]
    [TestCase("create", "-f", "vpc", "FILE", "9000G")]
    [TestCase("create", "FILE")]
    [TestCase("create", "/nonexistent/file", "1M")]
    [TestCase("info", "FILE")]
    [TestCase("check", "FILE")]
    [TestCase("convert", "FILE", "FILE2")]
    [TestCase("convert", "FILE")]
    [TestCase("clone", "FILE", "FILE2")]
    [TestCase("info", "--flat", "FILE")]
    [TestCase("nonsense")]
    public void Mistakes_are_one_line_and_status_2(params string[] arguments)
    {
        (int status, string output, string error) = Invoke(["disk", .. arguments.Select(a => a.StartsWith("FILE", StringComparison.Ordinal) ? In(a) : a)]);
        Assert.That((status, output), Is.EqualTo((ExitStatus.Usage, "")));
        Assert.That(error, Does.StartWith("emu: ").And.Matches("^[^\n]*\n$"));
        Assert.That(Directory.GetFiles(_directory), Is.Empty);
    }

    [TestCase("-hda", "none.img")]
    [TestCase("-fda", "none.img")]
    [TestCase("-cdrom", "none.img")]
    [TestCase("-drive", "file=none.img,format=qcow2")]
    [TestCase("-drive", "file=none.img,if=scsi")]
    public void Missing_images_are_one_line_and_status_2(string option, string value)
    {
        (int status, _, string error) = Invoke([option, value, "-serial", "null", "-kernel", "none.bin"]);
        Assert.That(status, Is.EqualTo(ExitStatus.Usage));
        Assert.That(error, Does.StartWith("emu: ").And.Matches("^[^\n]*\n$"));
    }

    private static (int Status, string Output, string Error) Invoke(string[] args)
    {
        TextWriter output = Console.Out;
        TextWriter error = Console.Error;
        using StringWriter newOutput = new();
        using StringWriter newError = new();
        try
        {
            Console.SetOut(newOutput);
            Console.SetError(newError);
            return (EmuCommandLine.Invoke(args), newOutput.ToString(), newError.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    private string In(string name) => Path.Combine(_directory, name);
}
