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
