// A reader of a registry that others write to: it lists the tags of repositories over and over and
// pulls all that a tag names, whenever it sees one. It shares no code with what it watches: the
// library is crane's, which checks every digest and size.
//
//	tag-watcher HOST REPOSITORY…
//
// It goes on until its stdin ends, makes one more round, and prints a line of JSON. A tag that is
// listed and not whole ends it at once, with status 1 and what was missing on stderr.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// What has been seen, in the words of the line that is printed.
type seen struct {
	Rounds    int `json:"rounds"`
	Tags      int `json:"tags"`
	Pulls     int `json:"pulls"`
	Manifests int `json:"manifests"`
	Blobs     int `json:"blobs"`
}

var background = context.Background()

type watcher struct {
	puller *remote.Puller
	first  map[string]string
	seen   seen
}

func main() {
	if len(os.Args) < 3 {
		fail(errors.New("usage: tag-watcher HOST REPOSITORY…"))
	}
	// Nothing is asked a second time: what is not there now is missing now.
	once := remote.WithRetryStatusCodes()
	puller, err := remote.NewPuller(remote.WithAuth(authn.Anonymous), once)
	if err != nil {
		fail(err)
	}
	repositories := make([]name.Repository, 0, len(os.Args)-2)
	for _, each := range os.Args[2:] {
		repository, err := name.NewRepository(os.Args[1]+"/"+each, name.Insecure)
		if err != nil {
			fail(err)
		}
		repositories = append(repositories, repository)
	}
	last := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(last)
	}()
	w := watcher{puller: puller, first: map[string]string{}}
	for ended := false; !ended; {
		select {
		case <-last:
			ended = true
		default:
		}
		if err := w.round(repositories); err != nil {
			fail(err)
		}
		// The machine is not ours alone.
		time.Sleep(2 * time.Millisecond)
	}
	w.seen.Tags = len(w.first)
	if err := json.NewEncoder(os.Stdout).Encode(w.seen); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "tag-watcher:", err)
	os.Exit(1)
}

// The tags that are new come first: they are the most likely to be there too early.
func (w *watcher) round(repositories []name.Repository) error {
	var known []name.Tag
	for _, repository := range repositories {
		tags, err := w.puller.List(background, repository)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("the tags of %v: %w", repository, err)
		}
		for _, each := range tags {
			tag := repository.Tag(each)
			if _, old := w.first[tag.String()]; old {
				known = append(known, tag)
			} else if err := w.pull(tag); err != nil {
				return err
			}
		}
	}
	for _, tag := range known {
		if err := w.pull(tag); err != nil {
			return err
		}
	}
	w.seen.Rounds++
	return nil
}

func (w *watcher) pull(tag name.Tag) error {
	root, err := w.puller.Get(background, tag)
	if err != nil {
		return fmt.Errorf("%v is listed, but: %w", tag, err)
	}
	digest := root.Digest.String()
	if old, pulled := w.first[tag.String()]; pulled && old != digest {
		return fmt.Errorf("%v was %s, now it is %s", tag, old, digest)
	}
	if err := w.whole(tag.Repository, root); err != nil {
		return fmt.Errorf("%v is not whole: %w", tag, err)
	}
	w.first[tag.String()] = digest
	w.seen.Pulls++
	return nil
}

// Everything under a manifest, to its last byte.
func (w *watcher) whole(repository name.Repository, from *remote.Descriptor) error {
	w.seen.Manifests++
	var manifest struct {
		Manifests []v1.Descriptor `json:"manifests"`
		Config    *v1.Descriptor  `json:"config"`
		Layers    []v1.Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(from.Manifest, &manifest); err != nil {
		return fmt.Errorf("%v: %w", from.Digest, err)
	}
	for _, child := range manifest.Manifests {
		got, err := w.puller.Get(background, repository.Digest(child.Digest.String()))
		if err != nil {
			return fmt.Errorf("the child %v: %w", child.Digest, err)
		}
		if got.Size != child.Size {
			return fmt.Errorf("the child %v has %d bytes, not %d", child.Digest, got.Size, child.Size)
		}
		if err := w.whole(repository, got); err != nil {
			return err
		}
	}
	blobs := manifest.Layers
	if manifest.Config != nil {
		blobs = append(blobs, *manifest.Config)
	}
	for _, blob := range blobs {
		if err := w.read(repository, blob); err != nil {
			return fmt.Errorf("the blob %v: %w", blob.Digest, err)
		}
	}
	return nil
}

func (w *watcher) read(repository name.Repository, blob v1.Descriptor) error {
	layer, err := w.puller.Layer(background, repository.Digest(blob.Digest.String()))
	if err != nil {
		return err
	}
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	size, err := io.Copy(io.Discard, content)
	if err == nil && size != blob.Size {
		err = fmt.Errorf("%d bytes, not %d", size, blob.Size)
	}
	w.seen.Blobs++
	return err
}

func isNotFound(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}
